/* SPDX-License-Identifier: Apache-2.0 */
/* admin_routes: every route there is, in pages; messages are on the heap, freed as a whole */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/proto.h"
#include "gateway/admin_calls.h"
#include "gateway/admin_rpc.h"
#include "gateway/gateway.h"
#include "gateway/register.h"
#include "gateway/registry.h"
#include "gateway/routes.h"
#include "gateway/world.h"
#include "proto/gateway.pb-c.h"

enum { PAGE = 1000, PAGE_MAX = 10000, NEXT_SIZE = 2 * LOAD_ID_MAX + 2 };

Bailey__Gateway__PortPolicy *admin_policy_message(const struct route_policy *p)
{
	Bailey__Gateway__PortPolicy *m = xnew(Bailey__Gateway__PortPolicy);
	uint8_t i;

	bailey__gateway__port_policy__init(m);
	m->restrict_mode = p->is_restricted;
	m->ports = xcalloc(p->n + 1UL, sizeof(void *));
	for (i = 0; i < p->n; i++) {
		Bailey__Gateway__PortAttrs *a = xnew(Bailey__Gateway__PortAttrs);

		bailey__gateway__port_attrs__init(a);
		a->port = p->ports[i].port;
		a->pp = p->ports[i].wants_proxy_header;
		m->ports[m->n_ports++] = a;
	}
	return m;
}

static void add_registered(const struct admin_rpc *a, const char *id, Bailey__Gateway__Route *m)
{
	const struct registry *r = a->registration->registry;
	const struct registry_instance *in = r ? registry_find(r, id) : NULL;
	const struct override *said = in ? registry_override(r, id) : NULL;
	uint64_t now = time_unix_ms() / 1000;

	if (!in) {
		m->policy_source = xstrdup("file");
		return;
	}
	m->is_registered = true;
	m->has_tunnel = in->has_tunnel;
	m->latest_handshake = in->handshake;
	if (in->handshake && now > in->handshake)
		m->handshake_age = now - in->handshake;
	m->is_draining = override_drains(said, in->key);
	m->policy_source = xstrdup(admin_policy_source(said, in));
}

static Bailey__Gateway__Route *route_of(const struct admin_rpc *a, const struct route_app *app)
{
	const struct route_target *t = app->targets;
	Bailey__Gateway__Route *m = xnew(Bailey__Gateway__Route);
	char text[INET6_ADDRSTRLEN];

	bailey__gateway__route__init(m);
	m->app_id = xstrdup(app->load->id);
	m->instance_id = xstrdup(t->load->id);
	m->address =
		xstrdup(inet_ntop(t->is_v6 ? AF_INET6 : AF_INET, t->address, text, sizeof(text)));
	m->is_ready = t->is_ready;
	m->num_connections = atomic_load_explicit(&t->load->conns, memory_order_relaxed);
	m->total_connections = atomic_load_explicit(&t->load->total, memory_order_relaxed);
	add_registered(a, t->load->id, m);
	if (t->policy->is_known)
		proto_set(m, policy, admin_policy_message(t->policy));
	return m;
}

/* "APP/INSTANCE", as an answer's next has it.  Return: the first after it, or SIZE_MAX. */
static size_t read_after(const struct routes *r, const char *text)
{
	const char *slash = strchr(text, '/');
	char app[LOAD_ID_MAX + 1];
	struct route_app at;
	size_t n = slash ? (size_t)(slash - text) : 0, i;

	if (!slash || n > LOAD_ID_MAX)
		return SIZE_MAX;
	memcpy(app, text, n);
	app[n] = 0;
	i = routes_n_before(r, app, slash + 1);
	if (i == routes_n_instances(r))
		return i;
	routes_at(r, i, &at);
	return str_equal(at.load->id, app) && str_equal(at.targets[0].load->id, slash + 1) ? i + 1
											   : i;
}

static void fill(const struct admin_rpc *a, const Bailey__Gateway__RoutesRequest *q, size_t first,
		 Bailey__Gateway__RoutesResponse *m)
{
	const struct routes *r = gateway_world(a->gateway)->routes->routes;
	size_t i, n = routes_n_instances(r), most = q->limit ? q->limit : PAGE;
	char next[NEXT_SIZE] = "";
	struct route_app at;

	if (most > n - first)
		most = n - first;
	m->routes = xcalloc(most + 1, sizeof(void *));
	for (i = first; i < n; i++) {
		routes_at(r, i, &at);
		if (*q->app_id && !str_equal(at.load->id, q->app_id))
			break;
		if (m->n_routes == most) {
			m->next = xstrdup(next);
			break;
		}
		m->routes[m->n_routes++] = route_of(a, &at);
		(void)str_format(next, sizeof(next), "%s/%s", at.load->id, at.targets[0].load->id);
	}
	m->total = (uint32_t)n;
}

void admin_routes(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct admin_rpc *a = ((const struct admin_call *)ctx)->server;
	const Bailey__Gateway__RoutesRequest *q = (const void *)in;
	const struct routes *r = gateway_world(a->gateway)->routes->routes;
	Bailey__Gateway__RoutesResponse *m;
	struct err e = ERR_NONE;
	size_t first = 0, of_app = *q->app_id ? routes_n_before(r, q->app_id, "") : 0;

	if (*q->after)
		first = read_after(r, q->after);
	if (q->limit > PAGE_MAX || first == SIZE_MAX) {
		(void)err_set(&e, ERR_INPUT,
			      first == SIZE_MAX ? "after is not what an answer's next was"
						: "limit is at most %d",
			      PAGE_MAX);
		rpc_fail(call, &e);
		return;
	}
	m = xnew(Bailey__Gateway__RoutesResponse);
	bailey__gateway__routes_response__init(m);
	fill(a, q, first < of_app ? of_app : first, m);
	rpc_reply(call, &m->base);
	protobuf_c_message_free_unpacked(&m->base, NULL);
}
