/* SPDX-License-Identifier: Apache-2.0 */
/* admin_status: the gateway itself, and its registered instances; messages are on the heap, freed as a whole */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/version.h"
#include "data/proto.h"
#include "gateway/admin_calls.h"
#include "gateway/admin_rpc.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/register.h"
#include "gateway/registry.h"
#include "gateway/routes.h"
#include "gateway/world.h"
#include "proto/gateway.pb-c.h"

enum { ONLINE_S = 300 };

static char *address_text(uint32_t address)
{
	struct in_addr a = { htonl(address) };
	char text[INET_ADDRSTRLEN];

	return xstrdup(inet_ntop(AF_INET, &a, text, sizeof(text)));
}

static Bailey__Gateway__HostInfo *host_of(const struct gateway *g,
					  const struct registry_instance *in)
{
	Bailey__Gateway__HostInfo *m = xnew(Bailey__Gateway__HostInfo);
	struct route_app found;

	bailey__gateway__host_info__init(m);
	m->instance_id = xstrdup(in->id);
	m->app_id = xstrdup(in->app_id);
	m->ip = address_text(in->address);
	m->base_domain = xstrdup(g->config->n_domains ? g->config->domains[0].name : "");
	m->latest_handshake = in->handshake;
	if (routes_find(gateway_world(g)->routes->routes, in->id, strlen(in->id), &found))
		m->num_connections =
			atomic_load_explicit(&found.targets[0].load->conns, memory_order_relaxed);
	return m;
}

static size_t n_registered(const struct register_server *s)
{
	return s->registry ? registry_count(s->registry) : 0;
}

static void add_hosts(const struct admin_rpc *a, Bailey__Gateway__StatusResponse *m)
{
	const struct registry *r = a->registration->registry;
	size_t i, n = n_registered(a->registration);

	m->hosts = xcalloc(n + 1, sizeof(void *));
	for (i = 0; i < n; i++)
		m->hosts[m->n_hosts++] = host_of(a->gateway, registry_at(r, i));
}

static void add_node(const struct admin_rpc *a, Bailey__Gateway__StatusResponse *m)
{
	const struct register_server *s = a->registration;
	const struct gw_registration *c = &a->gateway->config->registration;
	Bailey__Gateway__GatewayNodeInfo *n;

	m->id = 1;
	if (!s->registry)
		return;
	m->url = xstrdup(c->url);
	m->uuid = (ProtobufCBinaryData){ sizeof(s->uuid), xmemdup(s->uuid, sizeof(s->uuid)) };
	n = xnew(Bailey__Gateway__GatewayNodeInfo);
	bailey__gateway__gateway_node_info__init(n);
	n->id = 1;
	n->uuid = (ProtobufCBinaryData){ sizeof(s->uuid), xmemdup(s->uuid, sizeof(s->uuid)) };
	n->url = xstrdup(c->url);
	n->last_seen = time_unix_ms() / 1000;
	n->wg_public_key = xstrdup(s->public_key);
	n->wg_ip = xstrdup(c->network_text);
	n->wg_endpoint = xstrdup(c->endpoint);
	m->nodes = xcalloc(1, sizeof(void *));
	m->nodes[m->n_nodes++] = n;
}

static void add_domains(const struct gateway *g, Bailey__Gateway__StatusResponse *m)
{
	const struct world *w = gateway_world(g);
	size_t i;

	m->domains = xcalloc(w->sites->n + 1, sizeof(void *));
	for (i = 0; i < w->sites->n; i++) {
		Bailey__Gateway__DomainStatus *d = xnew(Bailey__Gateway__DomainStatus);

		bailey__gateway__domain_status__init(d);
		d->name = xstrdup(w->config->domains[i].name);
		d->certificate_not_after = w->sites->sites[i].not_after > 0
						   ? (uint64_t)w->sites->sites[i].not_after
						   : 0;
		m->domains[m->n_domains++] = d;
	}
	m->listen = xcalloc(w->config->n_listen + 1, sizeof(void *));
	for (i = 0; i < w->config->n_listen; i++)
		m->listen[m->n_listen++] = xstrdup(w->config->listen[i].text);
}

/* Of bytes that pass through the kernel alone we have no switch: they do wherever they can. */
static void add_accel(const struct gateway *g, Bailey__Gateway__StatusResponse *m)
{
	Bailey__Gateway__ProxyAccelStatus *a = xnew(Bailey__Gateway__ProxyAccelStatus);

	bailey__gateway__proxy_accel_status__init(a);
	a->ktls_mode = xstrdup("off");
	a->splice_mode = xstrdup("immediate");
	a->splice_engaged = metrics_sum(g, offsetof(struct gw_counters, passthrough));
	m->accel = a;
}

static void add_reloads(const struct gateway *g, Bailey__Gateway__StatusResponse *m)
{
	Bailey__Gateway__ReloadStatus *r = xnew(Bailey__Gateway__ReloadStatus);

	bailey__gateway__reload_status__init(r);
	r->failed = g->n_failed_reloads;
	r->succeeded = g->n_reloads - g->n_failed_reloads;
	r->last_time = g->last_reload_s;
	r->last_succeeded = g->last_reload_s && !g->last_reload_error[0];
	r->last_error = xstrdup(g->last_reload_error);
	m->reloads = r;
}

void admin_status(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct admin_rpc *a = ((const struct admin_call *)ctx)->server;
	const struct gateway *g = a->gateway;
	const struct routes *r = gateway_world(g)->routes->routes;
	Bailey__Gateway__StatusResponse *m = xnew(Bailey__Gateway__StatusResponse);

	(void)in;
	bailey__gateway__status_response__init(m);
	m->num_connections = metrics_sum(g, offsetof(struct gw_counters, conns));
	m->version = xstrdup(BAILEY_VERSION);
	m->uptime = (uv_now(g->loop) - g->start_ms) / 1000;
	m->is_draining = g->is_draining;
	m->workers = g->n_workers;
	m->num_apps = (uint32_t)routes_n_apps(r);
	m->num_instances = (uint32_t)routes_n_instances(r);
	m->num_ready = (uint32_t)routes_n_ready(r);
	add_hosts(a, m);
	add_node(a, m);
	add_domains(g, m);
	add_accel(g, m);
	add_reloads(g, m);
	rpc_reply(call, &m->base);
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

void admin_get_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct admin_rpc *a = ((const struct admin_call *)ctx)->server;
	const Bailey__Gateway__GetInfoRequest *q = (const void *)in;
	const struct registry *r = a->registration->registry;
	const struct registry_instance *found = r ? registry_find(r, q->id) : NULL;
	Bailey__Gateway__GetInfoResponse *m = xnew(Bailey__Gateway__GetInfoResponse);

	bailey__gateway__get_info_response__init(m);
	m->found = found != NULL;
	if (found)
		proto_set(m, info, host_of(a->gateway, found));
	rpc_reply(call, &m->base);
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

void admin_get_meta(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct admin_rpc *a = ((const struct admin_call *)ctx)->server;
	const struct registry *r = a->registration->registry;
	Bailey__Gateway__GetMetaResponse m = BAILEY__GATEWAY__GET_META_RESPONSE__INIT;
	uint64_t now = time_unix_ms() / 1000;
	size_t i;

	(void)in;
	m.registered = (uint32_t)n_registered(a->registration);
	for (i = 0; i < m.registered; i++) {
		const struct registry_instance *at = registry_at(r, i);

		m.online += at->handshake && now < at->handshake + ONLINE_S;
	}
	rpc_reply(call, &m.base);
}
