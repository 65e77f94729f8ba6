/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/info_rpc.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"
#include "data/json.h"
#include "data/proto.h"
#include "gateway/gateway.h"
#include "gateway/register.h"
#include "gateway/register_rpc.h"
#include "gateway/world.h"
#include "proto/gateway.pb-c.h"
#include "rpc/rpc.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

void info_rpc_deinit(struct info_rpc *i)
{
	if (i->message)
		protobuf_c_message_free_unpacked(i->message, NULL);
	world_text_unref(i->of);
	*i = (struct info_rpc){ .of = NULL };
}

void info_rpc_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct gw_config *c = ((const struct register_ctx *)ctx)->server->gateway->config;
	Bailey__Gateway__InfoResponse m = BAILEY__GATEWAY__INFO_RESPONSE__INIT;

	(void)in;
	if (c->n_domains) {
		m.base_domain = mem_unconst(c->domains[0].name);
		m.external_port = c->registration.external_port;
	}
	m.app_address_ns_prefix = mem_unconst(c->dns_prefix);
	m.version = mem_unconst(DSTACK_VERSION);
	rpc_reply(call, &m.base);
}

/* Anybody may ask as often as their rate lets them: a text is read once. */
static int read_text(struct info_rpc *i, struct world_text *t, struct err *e)
{
	json_auto_t *o = NULL;
	ProtobufCMessage *m = NULL;
	int rc;

	if (i->of == t)
		return 0;
	rc = json_parse(t->bytes, t->n, TEXT_MAX, "acme_info", &o, e);
	if (!rc)
		rc = proto_from_json(&bailey__gateway__acme_info_response__descriptor, o, &m, e);
	if (rc)
		return rc;
	info_rpc_deinit(i);
	i->of = world_text_ref(t);
	i->message = m;
	return 0;
}

void info_rpc_acme(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct register_server *s = ((const struct register_ctx *)ctx)->server;
	struct world_text *t = gateway_world(s->gateway)->texts[WORLD_ACME_INFO];
	struct err e = ERR_NONE;

	(void)in;
	if (read_text(&s->acme, t, &e) < 0)
		rpc_fail(call, &e);
	else
		rpc_reply(call, s->acme.message);
}
