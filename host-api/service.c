/* SPDX-License-Identifier: Apache-2.0 */
#include "host-api/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "data/proto.h"
#include "host-api/hostapi.h"
#include "host-api/key_provider.h"
#include "loop/http_server.h"
#include "proto/common.pb-c.h"
#include "proto/host.pb-c.h"
#include "rpc/rpc.h"

enum { REPLY_MAX = 64 * 1024 * 1024 };

/* Outlives its guest when that ends first. */
struct service_sealing {
	struct service_guest *guest;
	struct rpc_call *call;	   /* to be answered, or */
	struct http_request *http; /* this */
};

static void fail(struct rpc_call *call, int code, const char *text)
{
	struct err e = ERR_NONE;

	(void)err_set(&e, code, "%s", text);
	rpc_fail(call, &e);
}

static void reply_empty(struct rpc_call *call)
{
	Bailey__Empty out = BAILEY__EMPTY__INIT;

	rpc_reply(call, &out.base);
}

static void run_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	static char name[] = "dstack VMM", version[] = DSTACK_VERSION;
	Bailey__Host__HostInfo out = BAILEY__HOST__HOST_INFO__INIT;

	(void)ctx;
	(void)in;
	out.name = name;
	out.version = version;
	rpc_reply(call, &out.base);
}

static void run_notify(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Host__Notification *n = (const Bailey__Host__Notification *)in;
	const struct service_guest *g = ctx;
	const struct rpc_peer *peer = rpc_peer(call);
	size_t n_event = strlen(n->event), n_payload = strlen(n->payload);

	if (n_event == 0 || n_event > HOSTAPI_EVENT_MAX || !str_is_utf8(n->event, n_event)) {
		fail(call, ERR_INPUT, "event is not a name of 1 to 64 bytes");
		return;
	}
	if (!str_is_utf8(n->payload, n_payload)) {
		fail(call, ERR_INPUT, "payload is not UTF-8");
		return;
	}
	if (n_payload > HOSTAPI_PAYLOAD_MAX) {
		log_debug("vm '%s': notice dropped: payload of %zu bytes", peer->vm_id, n_payload);
		reply_empty(call);
		return;
	}
	if (!peer->vm_id[0] ||
	    g->on_notify(g->ctx, peer->vm_id, peer->generation, n->event, n->payload) < 0)
		fail(call, ERR_NOT_FOUND, "VM not found");
	else
		reply_empty(call);
}

static void answer(void *arg, int status, const char *content_type, const void *body, size_t n)
{
	http_reply(arg, status, content_type, body, n, NULL);
}

static void refuse(struct http_request *r, const struct err *e)
{
	const struct rpc_request q = { .query = "json" };

	rpc_refuse(&q, e->text, answer, r);
}

static void reply_json(struct http_request *r, const ProtobufCMessage *out)
{
	auto_buf struct buf text = BUF_MAX(REPLY_MAX);

	if (proto_to_json(out, &text))
		abort(); /* the provider's answer has a limit far below */
	http_reply(r, 200, "application/json", text.p, text.n, NULL);
}

static void on_key(void *arg, const struct key_frame_answer *a, const struct err *e)
{
	Bailey__Host__GetSealingKeyResponse out = BAILEY__HOST__GET_SEALING_KEY_RESPONSE__INIT;
	struct service_sealing s = *(struct service_sealing *)arg;

	free(arg);
	if (s.guest)
		s.guest->sealing = NULL;
	if (!a && s.http)
		refuse(s.http, e);
	else if (!a)
		rpc_fail(s.call, e);
	if (!a)
		return;
	out.encrypted_key.data = a->encrypted_key.p;
	out.encrypted_key.len = a->encrypted_key.n;
	out.provider_quote.data = a->provider_quote.p;
	out.provider_quote.len = a->provider_quote.n;
	if (s.http)
		reply_json(s.http, &out.base);
	else
		rpc_reply(s.call, &out.base);
}

/* Begin; who waits for it is in @who. */
static int seal(struct service_guest *g, const struct service_sealing *who, const void *quote,
		size_t n, struct err *e)
{
	struct service_sealing *s;
	int rc;

	if (!g->key_provider)
		return err_set(e, ERR_MISSING, "Key provider is not enabled");
	if (g->sealing)
		return err_set(e, ERR_LIMIT, "another GetSealingKey of this VM is under way");
	s = xmemdup(who, sizeof(*who));
	s->guest = g;
	rc = key_provider_ask(g->key_provider, quote, n, on_key, s, e);
	if (rc < 0)
		free(s);
	else
		g->sealing = s;
	return rc;
}

static void run_get_sealing_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Host__GetSealingKeyRequest *q =
		(const Bailey__Host__GetSealingKeyRequest *)in;
	const struct service_sealing who = { .call = call };
	struct err e = ERR_NONE;

	if (seal(ctx, &who, q->quote.data, q->quote.len, &e) < 0)
		rpc_fail(call, &e);
}

void service_seal_large(struct service_guest *g, struct http_request *r)
{
	const struct service_sealing who = { .http = r };
	struct buf quote = BUF_MAX(0);
	struct err e = ERR_NONE;
	size_t n;
	const void *body = http_request_body(r, &n);
	int rc = key_frame_quote(body, n, &quote, &e);

	if (rc == ERR_LIMIT)
		(void)err_wrap(&e, rc, "Failed to get sealing key from key provider");
	if (rc == 0)
		rc = seal(g, &who, quote.p, quote.n, &e);
	buf_deinit(&quote);
	if (rc < 0)
		refuse(r, &e);
}

void service_guest_forget(struct service_guest *g)
{
	if (g->sealing)
		g->sealing->guest = NULL;
	g->sealing = NULL;
}

static const struct rpc_method methods[] = {
	{ .name = "Info",
	  .in = &bailey__empty__descriptor,
	  .out = &bailey__host__host_info__descriptor,
	  .run = run_info },
	{ .name = "Notify",
	  .in = &bailey__host__notification__descriptor,
	  .out = &bailey__empty__descriptor,
	  .run = run_notify,
	  .changes = true,
	  .body_max = HOSTAPI_BODY_MAX },
	{ .name = "GetSealingKey",
	  .in = &bailey__host__get_sealing_key_request__descriptor,
	  .out = &bailey__host__get_sealing_key_response__descriptor,
	  .run = run_get_sealing_key,
	  .body_max = HOSTAPI_QUOTE_BODY_MAX },
};

const struct rpc_service service_host_api = {
	.name = "HostApi",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(methods[0]),
};
