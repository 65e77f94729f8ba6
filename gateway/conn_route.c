/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a host name leads: built-in names, apps, custom domains; and whether its port lets anybody in.
 *
 * Everything that can be refused is refused here, before a handshake is paid for, with an alert that says why, except
 * what a page can say better to a client that we would have served.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "gateway/conn_parts.h"
#include "gateway/load.h"
#include "gateway/resolver.h"
#include "gateway/routes.h"
#include "gateway/world.h"
#include "wire/host_label.h"

enum {
	ALERT_ACCESS_DENIED = 49,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_UNRECOGNIZED_NAME = 112,
	HTTP_PORT = 80,
};

static bool is_allowed(const struct route_app *app, uint16_t port)
{
	bool wants_header;
	uint32_t i;

	for (i = 0; i < app->n; i++) {
		if (route_policy_allows(app->targets[i].policy, port, &wants_header))
			return true;
	}
	return false;
}

static bool begin(struct conn *c)
{
	if (c->is_passthrough)
		return conn_begin_passthrough(c);
	return conn_begin_handshake(c);
}

/* Passthrough has nobody to give a page to. */
static bool deny(struct conn *c, enum conn_page page, enum gw_end end)
{
	if (c->is_passthrough)
		return conn_refuse(c, end, ALERT_INTERNAL_ERROR);
	c->page = (uint8_t)page;
	c->end = (uint8_t)end;
	return conn_begin_handshake(c);
}

static bool route_label(struct conn *c, const struct host_label *l)
{
	const struct world *world = c->worker->world;
	struct route_app app;

	c->port = l->port;
	c->is_passthrough = l->is_passthrough;
	c->is_h2 = l->is_h2;
	if (!routes_find(world->routes->routes, l->id, strlen(l->id), &app))
		return conn_refuse(c, GW_END_UNKNOWN_APP, ALERT_UNRECOGNIZED_NAME);
	c->app = load_ref(app.load);
	c->asked = load_ref(str_equal(app.load->id, l->id) ? app.load : app.targets[0].load);
	if (!is_allowed(&app, l->port))
		return conn_refuse(c, GW_END_PORT_DENIED, ALERT_ACCESS_DENIED);
	if (!load_enter(c->app, world->config->most_per_app))
		return deny(c, PAGE_503, GW_END_APP_FULL);
	c->is_counted = true;
	return begin(c);
}

static bool route_builtin(struct conn *c, enum conn_page page, const struct host_label *l)
{
	if (l->port != HTTP_PORT)
		return conn_refuse(c, GW_END_BAD_HOST, ALERT_UNRECOGNIZED_NAME);
	c->page = (uint8_t)page;
	c->end = GW_END_BUILTIN;
	c->is_h2 = false; /* HTTP/1.1 is what is served */
	return conn_begin_handshake(c);
}

bool conn_route(struct conn *c, const char *host, size_t n_host)
{
	const struct world *world = c->worker->world;
	const char *dot = memchr(host, '.', n_host);
	int domain = dot ? world_find_domain(world, dot + 1) : -1;
	struct host_label l;

	if (world->config->access_log || domain < 0)
		c->host = xstrdup(host);
	if (!dot)
		return conn_refuse(c, GW_END_BAD_HOST, ALERT_UNRECOGNIZED_NAME);
	c->domain = (int16_t)domain;
	if (domain < 0) {
		if (!c->worker->shared->resolver)
			return conn_refuse(c, GW_END_UNKNOWN_DOMAIN, ALERT_UNRECOGNIZED_NAME);
		if (!conn_keep_early(c))
			return false;
		conn_set_state(c, CONN_RESOLVE, world->config->dns_ms);
		gw_count(&c->worker->counters.dns_asked, 1);
		resolver_ask(c->worker->shared->resolver, c->worker, c, c->generation, host);
		return true;
	}
	if (host_label_parse(host, (size_t)(dot - host), &l) != HOST_LABEL_OK)
		return conn_refuse(c, GW_END_BAD_HOST, ALERT_UNRECOGNIZED_NAME);
	if (!l.is_passthrough && str_equal(l.id, "gateway"))
		return route_builtin(c, PAGE_GATEWAY, &l);
	if (!l.is_passthrough && str_equal(l.id, "health"))
		return route_builtin(c, PAGE_HEALTH, &l);
	return route_label(c, &l);
}

void conn_answered(struct worker *w, const struct txt_answer *a)
{
	struct conn *c = a->conn;

	(void)w;
	if (c->generation != a->generation || c->state != CONN_RESOLVE)
		return; /* it has gone */
	if (!a->is_found)
		(void)conn_refuse(c, GW_END_UNKNOWN_DOMAIN, ALERT_UNRECOGNIZED_NAME);
	else
		(void)route_label(c, &a->label);
}

bool conn_begin_passthrough(struct conn *c)
{
	/* an answer of DNS comes when the hello is put away already */
	if (c->state != CONN_RESOLVE && !conn_keep_early(c))
		return false;
	gw_count(&c->worker->counters.passthrough, 1);
	(void)conn_not_half_open(c);
	return conn_connect(c);
}
