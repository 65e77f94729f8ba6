/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin_calls.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "gateway/admin_rpc.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/reload_report.h"
#include "proto/common.pb-c.h"
#include "proto/gateway.pb-c.h"

enum { TIME_TEXT = 32 };

static void drain(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Gateway__DrainRequest *q = (const void *)in;
	struct admin_rpc *a = ((const struct admin_call *)ctx)->server;
	struct gateway *g = a->gateway;
	Bailey__Gateway__DrainResponse m = BAILEY__GATEWAY__DRAIN_RESPONSE__INIT;
	struct err e = ERR_NONE;
	int rc = 0;

	if (q->gateway ? *q->instance_id || q->lift : !*q->instance_id)
		rc = err_set(&e, ERR_INPUT,
			     "say either which instance_id, or gateway, which cannot be lifted");
	else if (!q->gateway)
		rc = admin_drain_instance(a, q->instance_id, q->lift, &m.num_connections, &e);
	if (rc) {
		rpc_fail(call, &e);
		return;
	}
	if (!q->gateway) {
		rpc_reply(call, &m.base);
		return;
	}
	m.num_connections = metrics_sum(g, offsetof(struct gw_counters, conns));
	if (!g->is_draining) /* a second time would end it at once, as a second SIGTERM does */
		gateway_drain(g);
	rpc_reply(call, &m.base);
}

static void reload(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct gateway *g = ((const struct admin_call *)ctx)->server->gateway;
	Bailey__Gateway__ReloadResponse m = BAILEY__GATEWAY__RELOAD_RESPONSE__INIT;
	struct reload_report r = { .is_refused = false };
	struct err e = ERR_NONE;

	(void)in;
	(void)gateway_reload(g, &r);
	m.changed = r.changed.list;
	m.n_changed = r.changed.n;
	m.needs_restart = r.needs_restart.list;
	m.n_needs_restart = r.needs_restart.n;
	m.problems = r.problems.list;
	m.n_problems = r.problems.n;
	if (r.is_refused) {
		(void)err_set(&e, ERR_INPUT, "%s", g->last_reload_error);
		rpc_fail(call, &e);
	} else {
		rpc_reply(call, &m.base);
	}
	reload_report_deinit(&r);
}

#define METHOD(name, in, out, run, changes)                                                        \
	{                                                                                          \
		name, &bailey__##in##__descriptor, &bailey__##out##__descriptor, run, changes, 0   \
	}

static const struct rpc_method methods[] = {
	METHOD("Status", empty, gateway__status_response, admin_status, false),
	METHOD("GetInfo", gateway__get_info_request, gateway__get_info_response, admin_get_info,
	       false),
	METHOD("GetMeta", empty, gateway__get_meta_response, admin_get_meta, false),
	METHOD("SetInstancePortPolicy", gateway__set_instance_port_policy_request, empty,
	       admin_set_policy, true),
	METHOD("ClearInstancePortPolicy", gateway__clear_instance_port_policy_request, empty,
	       admin_clear_policy, true),
	METHOD("GetInstancePortPolicy", gateway__get_instance_port_policy_request,
	       gateway__get_instance_port_policy_response, admin_get_policy, false),
	METHOD("Routes", gateway__routes_request, gateway__routes_response, admin_routes, false),
	METHOD("Drain", gateway__drain_request, gateway__drain_response, drain, true),
	METHOD("Reload", empty, gateway__reload_response, reload, true),
};

/* Who changed what: a JSON object on a line of the log, in ASCII, so that no foreign byte is in it. */
static void observe(void *ctx, const struct rpc_outcome *o)
{
	const struct admin_call *c = ctx;
	auto_free char *text = NULL;
	json_auto_t *line = NULL;
	char at[TIME_TEXT];

	if (!o->method || !o->method->changes)
		return;
	c->server->n_changes++;
	line = json_object();
	(void)json_object_set_new(line, "at",
				  json_text(time_rfc3339(at, sizeof(at), time_unix_ms() / 1000)));
	(void)json_object_set_new(line, "call", json_text(o->method->name));
	(void)json_object_set_new(line, "from", json_text(c->from));
	(void)json_object_set_new(line, "about", json_text(o->subject));
	(void)json_object_set_new(line, "error", o->error ? json_text(o->error) : json_null());
	text = json_compact_ascii(line);
	log_info("audit: %s", text);
}

const struct rpc_service admin_service = {
	.name = "Admin",
	.strip = "Admin.",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
	.observe = observe,
};
