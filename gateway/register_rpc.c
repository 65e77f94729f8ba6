/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/register_rpc.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/ratls.h"
#include "gateway/register.h"
#include "gateway/registry.h"
#include "loop/tls_front.h"
#include "proto/gateway.pb-c.h"
#include "rpc/rpc.h"
#include "tee/app_info.h"

/* Lower-case hex of what a certificate says. */
struct asker {
	char id[2 * APP_INFO_ID_MAX + 1], app_id[2 * APP_INFO_ID_MAX + 1];
	char compose_hash[2 * APP_INFO_DIGEST_MAX + 1];
};

static int read_info(const struct ratls *r, struct asker *ret, struct err *e)
{
	struct app_info info;

	if (!r->app_info.p)
		return err_set(e, ERR_INPUT, "neither app-info nor attestation provided");
	if (app_info_parse(r->app_info.p, r->app_info.n, &info) < 0)
		return err_set(e, ERR_INPUT, "the certificate's app info cannot be read");
	if (r->app_id.p && (r->app_id.n != info.app_id.n ||
			    memcmp(r->app_id.p, info.app_id.p, info.app_id.n) != 0))
		return err_set(e, ERR_INPUT,
			       "the certificate is of two apps: its app id is not its app info's");
	str_hex(ret->id, info.instance_id.p, info.instance_id.n);
	str_hex(ret->app_id, info.app_id.p, info.app_id.n);
	str_hex(ret->compose_hash, info.compose_hash.p, info.compose_hash.n);
	return 0;
}

static int read_asker(const struct tls_peer *p, struct asker *ret, struct err *e)
{
	struct ratls r = { .usage = "" };
	int rc;

	if (p->n_cert == 0)
		return err_set(e, ERR_INPUT, "neither app-info nor attestation provided");
	rc = ratls_read(p->cert, p->n_cert, &r, e);
	if (rc)
		return rc;
	rc = read_info(&r, ret, e);
	ratls_deinit(&r);
	return rc;
}

int register_read_policy(const Bailey__Gateway__PortPolicy *p, struct route_policy *ret,
			 struct err *e)
{
	size_t i;

	if (p->n_ports > ROUTES_PORTS_MAX)
		return err_set(e, ERR_LIMIT, "port_policy has more than %d ports",
			       ROUTES_PORTS_MAX);
	*ret = (struct route_policy){ .is_known = true, .is_restricted = p->restrict_mode };
	for (i = 0; i < p->n_ports; i++) {
		if (p->ports[i]->port < 1 || p->ports[i]->port > UINT16_MAX)
			return err_set(e, ERR_INPUT, "port_policy: %u is not a port: 1 to 65535",
				       p->ports[i]->port);
		ret->ports[ret->n++] =
			(struct route_port){ (uint16_t)p->ports[i]->port, p->ports[i]->pp };
	}
	return 0;
}

static int enter(struct register_server *s, const struct asker *a,
		 const Bailey__Gateway__RegisterCvmRequest *m, struct registry_instance *ret,
		 struct err *e)
{
	struct registry_request q = { .id = a->id,
				      .app_id = a->app_id,
				      .compose_hash = a->compose_hash,
				      .key = m->client_public_key,
				      .now_s = time_unix_ms() / 1000,
				      .now_ms = uv_now(s->loop) };
	enum registry_change change;
	struct route_policy policy;
	int rc = m->port_policy ? register_read_policy(m->port_policy, &policy, e) : 0;

	if (rc)
		return rc;
	q.policy = m->port_policy ? &policy : NULL;
	q.is_held = m->has_ready_case == BAILEY__GATEWAY__REGISTER_CVM_REQUEST__HAS_READY_READY &&
		    !m->ready;
	rc = registry_plan(s->registry, &q, ret, &change, e);
	if (rc)
		return rc;
	if (change == REGISTRY_SAME) {
		registry_set_seen(s->registry, ret->id, q.now_ms);
		return 0;
	}
	rc = register_make(s, ret, e);
	if (rc == 0 && change == REGISTRY_NEW)
		log_info("gateway: instance %s of app %s has registered", ret->id, ret->app_id);
	return rc;
}

static void reply(struct register_server *s, struct rpc_call *call,
		  const struct registry_instance *in)
{
	const struct gw_registration *c = &s->config->registration;
	Bailey__Gateway__WireGuardPeer peer = BAILEY__GATEWAY__WIRE_GUARD_PEER__INIT,
				       *peers[] = { &peer };
	Bailey__Gateway__WireGuardConfig wg = BAILEY__GATEWAY__WIRE_GUARD_CONFIG__INIT;
	Bailey__Gateway__GuestAgentConfig agent = BAILEY__GATEWAY__GUEST_AGENT_CONFIG__INIT;
	Bailey__Gateway__GatewayNodeInfo node = BAILEY__GATEWAY__GATEWAY_NODE_INFO__INIT,
					 *nodes[] = { &node };
	Bailey__Gateway__RegisterCvmResponse m = BAILEY__GATEWAY__REGISTER_CVM_RESPONSE__INIT;
	struct in_addr address = { htonl(in->address) };
	char text[INET_ADDRSTRLEN];

	/* messages are read only while they are written */
	peer.pk = node.wg_public_key = s->public_key;
	peer.ip = node.wg_ip = mem_unconst(c->network_text);
	peer.endpoint = node.wg_endpoint = mem_unconst(c->endpoint);
	wg.client_ip = mem_unconst(inet_ntop(AF_INET, &address, text, sizeof(text)));
	wg.servers = peers;
	wg.n_servers = 1;
	agent.external_port = c->external_port;
	agent.internal_port = c->agent_port;
	if (s->config->n_domains)
		agent.domain = mem_unconst(s->config->domains[0].name);
	agent.app_address_ns_prefix = mem_unconst(s->config->dns_prefix);
	node.id = 1;
	node.uuid = (ProtobufCBinaryData){ sizeof(s->uuid), s->uuid };
	node.url = mem_unconst(c->url);
	node.last_seen = time_unix_ms() / 1000;
	m.wg = &wg;
	m.agent = &agent;
	m.gateways = nodes;
	m.n_gateways = 1;
	rpc_reply(call, &m.base);
}

static void register_cvm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct register_ctx *c = ctx;
	struct registry_instance found;
	struct err e = ERR_NONE;
	struct asker a;
	int rc = read_asker(c->peer, &a, &e);

	if (!rc)
		rc = enter(c->server, &a, (const void *)in, &found, &e);
	if (rc)
		rpc_fail(call, &e);
	else
		reply(c->server, call, &found);
}

static const struct rpc_method methods[] = {
	{ "RegisterCvm", &bailey__gateway__register_cvm_request__descriptor,
	  &bailey__gateway__register_cvm_response__descriptor, register_cvm, true, 0 },
};

const struct rpc_service register_service = {
	.name = "Gateway",
	.strip = "Tproxy.", /* dstack's own old name */
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
};
