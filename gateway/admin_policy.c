/* SPDX-License-Identifier: Apache-2.0 */
/* admin_policy: what an operator says of an instance: its ports, and whether it gets new clients */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/proto.h"
#include "gateway/admin_calls.h"
#include "gateway/admin_rpc.h"
#include "gateway/gateway.h"
#include "gateway/register.h"
#include "gateway/register_request.h"
#include "gateway/registry.h"
#include "gateway/routes.h"
#include "gateway/world.h"
#include "proto/common.pb-c.h"
#include "proto/gateway.pb-c.h"

enum { PORTS_TEXT = 1024 };

/* Return: the instance, or NULL and @e. */
static const struct registry_instance *find(const struct register_server *s, const char *id,
					    struct err *e)
{
	const struct registry_instance *in = s->registry ? registry_find(s->registry, id) : NULL;
	char shown[LOAD_ID_MAX + 4];

	if (!in)
		(void)err_set(e, ERR_NOT_FOUND, "instance %s not found",
			      str_escape(shown, sizeof(shown), id, strlen(id)));
	return in;
}

/* What was said of it until now. */
static struct override said_of(const struct register_server *s, const char *id)
{
	const struct override *said = registry_override(s->registry, id);
	struct override none = { .is_drained = false };

	if (said)
		return *said;
	(void)str_copy(none.id, sizeof(none.id), id);
	return none;
}

static void log_policy(const char *id, const struct route_policy *p)
{
	auto_buf struct buf b = BUF_MAX(PORTS_TEXT);
	uint8_t i;

	for (i = 0; i < p->n; i++)
		(void)buf_addf(&b, "%s%u%s", i ? "," : "", p->ports[i].port,
			       p->ports[i].wants_proxy_header ? "p" : "");
	if (!p->is_known)
		log_info("gateway: instance %s: its own port policy counts again", id);
	else
		log_info("gateway: instance %s: ports by an operator: %s; others are %s", id,
			 b.n ? (const char *)b.p : "none", p->is_restricted ? "closed" : "open");
}

static int set_policy(struct register_server *s, const char *id, const struct route_policy *p,
		      struct err *e)
{
	struct override said;
	int rc;

	if (!find(s, id, e))
		return e->code;
	said = said_of(s, id);
	said.policy = *p;
	rc = register_override(s, &said, e);
	if (rc == 0)
		log_policy(id, p);
	return rc;
}

static void answer_empty(struct rpc_call *call, int rc, const struct err *e)
{
	const Bailey__Empty out = BAILEY__EMPTY__INIT;

	if (rc < 0)
		rpc_fail(call, e);
	else
		rpc_reply(call, &out.base);
}

void admin_set_policy(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Gateway__SetInstancePortPolicyRequest *q = (const void *)in;
	struct register_server *s = ((const struct admin_call *)ctx)->server->registration;
	struct route_policy policy = { .is_known = true };
	struct err e = ERR_NONE;
	int rc = q->policy ? register_read_policy(q->policy, &policy, &e) : 0;

	if (rc == 0)
		rc = set_policy(s, q->instance_id, &policy, &e);
	answer_empty(call, rc, &e);
}

void admin_clear_policy(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Gateway__ClearInstancePortPolicyRequest *q = (const void *)in;
	struct register_server *s = ((const struct admin_call *)ctx)->server->registration;
	const struct route_policy none = { .is_known = false };
	struct err e = ERR_NONE;

	answer_empty(call, set_policy(s, q->instance_id, &none, &e), &e);
}

void admin_get_policy(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Gateway__GetInstancePortPolicyRequest *q = (const void *)in;
	const struct register_server *s = ((const struct admin_call *)ctx)->server->registration;
	Bailey__Gateway__GetInstancePortPolicyResponse *m;
	const struct registry_instance *found;
	struct err e = ERR_NONE;
	struct override said;
	const struct route_policy *counts;

	found = find(s, q->instance_id, &e);
	if (!found) {
		rpc_fail(call, &e);
		return;
	}
	said = said_of(s, q->instance_id);
	counts = said.policy.is_known ? &said.policy : &found->policy;
	m = xnew(Bailey__Gateway__GetInstancePortPolicyResponse);
	bailey__gateway__get_instance_port_policy_response__init(m);
	m->source = xstrdup(admin_policy_source(&said, found));
	if (counts->is_known)
		proto_set(m, effective, admin_policy_message(counts));
	if (found->policy.is_known)
		proto_set(m, instance_reported, admin_policy_message(&found->policy));
	if (said.policy.is_known)
		proto_set(m, admin_override, admin_policy_message(&said.policy));
	rpc_reply(call, &m->base);
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

const char *admin_policy_source(const struct override *said, const struct registry_instance *in)
{
	if (said && said->policy.is_known)
		return "admin";
	return in->policy.is_known ? "instance" : "none";
}

static uint64_t conns_of(const struct gateway *g, const char *id)
{
	struct route_app found;

	if (!routes_find(gateway_world(g)->routes->routes, id, strlen(id), &found))
		return 0;
	return atomic_load_explicit(&found.targets[0].load->conns, memory_order_relaxed);
}

int admin_drain_instance(struct admin_rpc *a, const char *id, bool is_lifted, uint64_t *ret,
			 struct err *e)
{
	struct register_server *s = a->registration;
	const struct registry_instance *in = find(s, id, e);
	struct override said;
	struct route_app of_file;
	int rc;

	if (!in && routes_find(gateway_world(a->gateway)->routes->routes, id, strlen(id), &of_file))
		return err_set(e, ERR_BAD_STATE,
			       "instance %s is of the file of routes: write not-ready there", id);
	if (!in)
		return e->code;
	said = said_of(s, id);
	said.is_drained = !is_lifted;
	memcpy(said.key, in->key, sizeof(said.key));
	rc = register_override(s, &said, e);
	if (rc)
		return rc;
	log_info("gateway: instance %s %s", id,
		 is_lifted ? "gets new clients again, as an operator wants"
			   : "gets no new clients, as an operator wants");
	*ret = conns_of(a->gateway, id);
	return 0;
}
