/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/register_rpc.h"

#include <arpa/inet.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/info_rpc.h"
#include "gateway/register.h"
#include "gateway/register_request.h"
#include "gateway/register_verify.h"
#include "gateway/registry.h"
#include "loop/tls_front.h"
#include "proto/common.pb-c.h"
#include "proto/gateway.pb-c.h"
#include "rpc/rpc.h"

static enum register_result result_of(enum registry_change change)
{
	switch (change) {
	case REGISTRY_SAME:
		return REGISTER_SAME;
	case REGISTRY_POLICY:
		return REGISTER_CHANGED;
	case REGISTRY_KEY_OTHER:
		return REGISTER_KEY;
	case REGISTRY_NEW:
		break;
	}
	return REGISTER_NEW;
}

static int enter(struct register_server *s, const struct register_asker *a,
		 const Bailey__Gateway__RegisterCvmRequest *m, struct registry_instance *ret,
		 struct err *e)
{
	enum registry_change change;
	const struct register_time now = { time_unix_ms() / 1000, uv_now(s->loop) };
	int rc = register_request_plan(s->registry, a, m, &now, ret, &change, e);

	if (rc)
		return rc;
	if (change == REGISTRY_SAME) {
		registry_set_seen(s->registry, ret->id, now.ms);
		s->n_results[REGISTER_SAME]++;
		return 0;
	}
	rc = register_make(s, ret, e);
	s->n_results[result_of(change)] += rc == 0;
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

/* @a: who asks; NULL: @e says why it is nobody. */
static void finish(struct register_server *s, struct rpc_call *call, const struct register_asker *a,
		   const Bailey__Gateway__RegisterCvmRequest *m, const struct err *e)
{
	struct registry_instance found = { .address = 0 };
	struct err why = *e;
	int rc = a ? enter(s, a, m, &found, &why) : why.code;

	if (rc) {
		s->n_results[REGISTER_REFUSED]++;
		rpc_fail(call, &why);
	} else {
		reply(s, call, &found);
	}
}

static void register_cvm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct register_ctx *c = ctx;
	struct err e = ERR_NONE;
	struct register_asker a;
	int rc = register_asker_read(c->peer->cert, c->peer->n_cert, &a, &e);

	if (rc == 0 && a.has_attestation && c->server->attested) {
		register_verify(c->server, call, c->peer, (const void *)in, finish);
		return;
	}
	if (rc == 0 && !a.has_info) {
		rc = err_set(&e, ERR_INPUT,
			     "neither app-info nor attestation provided: this gateway verifies no "
			     "attestation (registration.attested)");
	}
	finish(c->server, call, rc ? NULL : &a, (const void *)in, &e);
}

static const struct rpc_method methods[] = {
	{ "Info", &bailey__empty__descriptor, &bailey__gateway__info_response__descriptor,
	  info_rpc_info, false, 0 },
	{ "AcmeInfo", &bailey__empty__descriptor, &bailey__gateway__acme_info_response__descriptor,
	  info_rpc_acme, false, 0 },
	{ "RegisterCvm", &bailey__gateway__register_cvm_request__descriptor,
	  &bailey__gateway__register_cvm_response__descriptor, register_cvm, true, 0 },
};

const struct rpc_service register_service = {
	.name = "Gateway",
	.strip = "Tproxy.", /* dstack's own old name */
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
};
