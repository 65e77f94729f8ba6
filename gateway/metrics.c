/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/metrics.h"

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "base/buf.h"
#include "base/version.h"
#include "gateway/gateway.h"
#include "gateway/load.h"
#include "gateway/resolver.h"
#include "gateway/proof.h"
#include "gateway/routes.h"
#include "gateway/world.h"

uint64_t metrics_sum(const struct gateway *g, size_t offset)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < g->n_workers; i++) {
		const char *at = (const char *)&g->workers[i]->counters + offset;

		total += atomic_load_explicit((const _Atomic uint64_t *)(const void *)at,
					      memory_order_relaxed);
	}
	return total;
}

void metrics_one(struct buf *b, const char *name, const char *type, const char *help,
		 uint64_t value)
{
	(void)buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
		       (unsigned long long)value);
}

struct row {
	const char *name, *type, *help;
	size_t offset;
};

#define ROW(field, kind, text)                                                                     \
	{                                                                                          \
		"bailey_gateway_" #field, kind, text, offsetof(struct gw_counters, field)          \
	}

static const struct row rows[] = {
	ROW(accepted, "counter", "Connections that were accepted."),
	ROW(conns, "gauge", "Connections now."),
	ROW(half_open, "gauge", "Clients now that have not finished their handshake."),
	ROW(handshakes, "counter", "TLS handshakes that were finished."),
	ROW(resumed, "counter", "Those of them that resumed a session."),
	ROW(tls13, "counter", "Those of them in TLS 1.3."),
	ROW(passthrough, "counter", "Connections whose TLS is the app's."),
	ROW(connects, "counter", "Connects to instances."),
	ROW(connect_failures, "counter", "Those of them that failed or took too long."),
	ROW(bytes_up, "counter",
	    "Bytes of payload from clients to apps, of connections that ended."),
	ROW(bytes_down, "counter",
	    "Bytes of payload from apps to clients, of connections that ended."),
	ROW(spliced_bytes, "counter", "Bytes that did not leave the kernel."),
	ROW(dns_asked, "counter", "Connections to custom domains."),
	ROW(log_lost, "counter", "Lines of the access log that could not be written."),
};

static void add_ends(const struct gateway *g, struct buf *b)
{
	const char *name = "bailey_gateway_ended";
	size_t i;

	(void)buf_addf(b, "# HELP %s Connections that ended, by how.\n# TYPE %s counter\n", name,
		       name);
	for (i = 0; i < GW_END_COUNT; i++) {
		(void)buf_addf(
			b, "%s{how=\"%s\"} %llu\n", name, gw_end_name((enum gw_end)i),
			(unsigned long long)metrics_sum(g, offsetof(struct gw_counters, ended) +
								   i * sizeof(uint64_t)));
	}
}

/* From the first byte to the end of the handshake; buckets hold those below, too. */
static void add_handshakes(const struct gateway *g, struct buf *b)
{
	const char *name = "bailey_gateway_handshake_seconds";
	uint64_t total = 0, ms = metrics_sum(g, offsetof(struct gw_counters, handshake_ms));
	size_t i, at = offsetof(struct gw_counters, handshake_times);

	(void)buf_addf(b,
		       "# HELP %s From a connection's beginning to the end of its TLS handshake.\n"
		       "# TYPE %s histogram\n",
		       name, name);
	for (i = 0; i < GW_TIMES; i++) {
		total += metrics_sum(g, at + i * sizeof(uint64_t));
		if (gw_time_limits[i] == UINT32_MAX) {
			(void)buf_addf(b, "%s_bucket{le=\"+Inf\"} %llu\n", name,
				       (unsigned long long)total);
		} else {
			(void)buf_addf(b, "%s_bucket{le=\"%u.%03u\"} %llu\n", name,
				       gw_time_limits[i] / 1000, gw_time_limits[i] % 1000,
				       (unsigned long long)total);
		}
	}
	(void)buf_addf(b, "%s_sum %llu.%03llu\n%s_count %llu\n", name,
		       (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000), name,
		       (unsigned long long)total);
}

static void add_certificates(const struct gateway *g, struct buf *b)
{
	const struct world *w = gateway_world(g);
	const char *name = "bailey_gateway_certificate_ends";
	size_t i;

	(void)buf_addf(b,
		       "# HELP %s When a domain's certificate ends, in seconds since 1970.\n# TYPE "
		       "%s gauge\n",
		       name, name);
	for (i = 0; i < w->sites->n; i++) {
		(void)buf_addf(b, "%s{domain=\"%s\"} %lld\n", name, w->config->domains[i].name,
			       (long long)w->sites->sites[i].not_after);
	}
}

static void add_attested(const struct gateway *g, struct buf *b)
{
	const struct world *w = gateway_world(g);
	const char *name = "bailey_gateway_certificate_attested";
	size_t i;

	(void)buf_addf(
		b, "# HELP %s Is a domain's key attested by the guest's agent?\n# TYPE %s gauge\n",
		name, name);
	for (i = 0; i < w->sites->n; i++) {
		(void)buf_addf(b, "%s{domain=\"%s\"} %d\n", name, w->config->domains[i].name,
			       proof_has(g->proof, w->sites->sites[i].key_sha256));
	}
}

struct apps {
	struct buf *b;
	size_t n;
	const char *metric;
	bool is_total;
};

static void add_app(const struct route_app *app, void *arg)
{
	struct apps *a = arg;

	if (a->n++ >= METRICS_APPS)
		return;
	(void)buf_addf(a->b, "%s{app=\"%s\"} %llu\n", a->metric, app->load->id,
		       a->is_total ? (unsigned long long)atomic_load_explicit(&app->load->total,
									      memory_order_relaxed)
				   : (unsigned long long)atomic_load_explicit(
					     &app->load->conns, memory_order_relaxed));
}

static void add_apps(const struct gateway *g, struct buf *b)
{
	struct apps now = { .b = b, .metric = "bailey_gateway_app_conns" };
	struct apps total = { .b = b, .metric = "bailey_gateway_app_accepted", .is_total = true };

	(void)buf_addf(
		b, "# HELP %s Connections of an app now; of the first %d apps.\n# TYPE %s gauge\n",
		now.metric, METRICS_APPS, now.metric);
	routes_each(gateway_world(g)->routes->routes, add_app, &now);
	(void)buf_addf(b, "# HELP %s Connections of an app so far.\n# TYPE %s counter\n",
		       total.metric, total.metric);
	routes_each(gateway_world(g)->routes->routes, add_app, &total);
}

void metrics_write(const struct gateway *g, struct buf *ret)
{
	struct buf *b = ret;
	const struct routes *r = gateway_world(g)->routes->routes;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		metrics_one(b, rows[i].name, rows[i].type, rows[i].help,
			    metrics_sum(g, rows[i].offset));
	metrics_one(b, "bailey_gateway_workers", "gauge", "Loops that serve clients.",
		    g->n_workers);
	metrics_one(b, "bailey_gateway_apps", "gauge", "Apps that are known.", routes_n_apps(r));
	metrics_one(b, "bailey_gateway_instances", "gauge", "Instances that are known.",
		    routes_n_instances(r));
	metrics_one(b, "bailey_gateway_instances_ready", "gauge",
		    "Those of them that new clients come to.", routes_n_ready(r));
	metrics_one(b, "bailey_gateway_reloads", "counter", "How often files were read again.",
		    g->n_reloads);
	metrics_one(b, "bailey_gateway_reloads_failed", "counter",
		    "How often something in them was wrong.", g->n_failed_reloads);
	metrics_one(b, "bailey_gateway_reload_time", "gauge",
		    "When that was last, in seconds since 1970; 0: never.", g->last_reload_s);
	metrics_one(b, "bailey_gateway_reload_succeeded", "gauge", "Was all right then?  1 or 0.",
		    g->last_reload_error[0] == 0);
	metrics_one(b, "bailey_gateway_dns_kept", "gauge", "Names of custom domains that are kept.",
		    resolver_n_kept(g->resolver));
	metrics_one(b, "bailey_gateway_dns_queries", "counter", "Questions to DNS.",
		    resolver_n_asked(g->resolver));
	add_ends(g, b);
	add_handshakes(g, b);
	add_certificates(g, b);
	add_attested(g, b);
	for (i = 0; i < g->n_metrics; i++)
		g->metrics[i].fn(b, g->metrics[i].arg);
	add_apps(g, b);
}

static void add_target(struct buf *b, const struct route_target *t, uint64_t now)
{
	uint16_t ports[LOAD_PORTS];
	size_t i, n = load_resting_ports(t->load, now, ports);

	(void)buf_addf(
		b, "{\"id\":\"%s\",\"ready\":%s,\"silent\":%s,\"resting\":%s,\"resting_ports\":[",
		t->load->id, t->is_ready ? "true" : "false", t->is_doubted ? "true" : "false",
		load_is_resting(t->load, 0, now) ? "true" : "false");
	for (i = 0; i < n; i++)
		(void)buf_addf(b, "%s%u", i ? "," : "", ports[i]);
	(void)buf_addf(b, "],\"connections\":%u}",
		       atomic_load_explicit(&t->load->conns, memory_order_relaxed));
}

static void add_route(const struct route_app *app, void *arg)
{
	struct apps *a = arg;
	uint64_t now = uv_hrtime() / 1000000;
	uint32_t i;

	if (a->n++ >= METRICS_APPS)
		return;
	(void)buf_addf(a->b, "%s\n{\"app\":\"%s\",\"connections\":%u,\"instances\":[",
		       a->n > 1 ? "," : "", app->load->id,
		       atomic_load_explicit(&app->load->conns, memory_order_relaxed));
	for (i = 0; i < app->n; i++) {
		(void)buf_add_str(a->b, i ? "," : "");
		add_target(a->b, &app->targets[i], now);
	}
	(void)buf_add_str(a->b, "]}");
}

void metrics_routes(const struct gateway *g, struct buf *ret)
{
	struct apps a = { .b = ret };

	(void)buf_add_str(ret, "{\"apps\":[");
	routes_each(gateway_world(g)->routes->routes, add_route, &a);
	(void)buf_add_str(ret, "]}\n");
}
