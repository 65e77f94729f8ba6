/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world that was replaced is freed when every worker has said that it saw a later one: each looks once a turn, and is
 * woken for it.
 */
#include "gateway/gateway.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/privileges.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/admin.h"
#include "gateway/dev_ca.h"
#include "gateway/identity.h"
#include "gateway/proof.h"
#include "gateway/reload.h"
#include "gateway/resolver.h"
#include "gateway/routes.h"
#include "gateway/world.h"
#include "loop/http_server.h"

static void wake_all(struct gateway *g)
{
	unsigned int i;

	for (i = 0; i < g->n_workers; i++)
		worker_wake(g->workers[i]);
}

const struct world *gateway_world(const struct gateway *g)
{
	return atomic_load_explicit(&g->shared.world, memory_order_relaxed);
}

void gateway_publish(struct gateway *g, struct world *w)
{
	struct world *old = atomic_exchange_explicit(&g->shared.world, w, memory_order_acq_rel);

	if (old) {
		old->next = g->retired;
		g->retired = old;
	}
	wake_all(g);
}

/* Those below what all have seen. */
static void free_retired(struct gateway *g)
{
	struct world **at = &g->retired, *w;
	uint64_t least = UINT64_MAX, seen;
	unsigned int i;

	for (i = 0; i < g->n_workers; i++) {
		seen = atomic_load_explicit(&g->workers[i]->seen, memory_order_acquire);
		least = seen < least ? seen : least;
	}
	while ((w = *at)) {
		if (w->version >= least) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		world_free(w);
	}
}

void gateway_add_source(struct gateway *g, gateway_source_fn fn, void *arg)
{
	assert(g->n_sources < GATEWAY_SOURCES_MAX);
	g->sources[g->n_sources].fn = fn;
	g->sources[g->n_sources++].arg = arg;
}

void gateway_add_metrics(struct gateway *g, gateway_metrics_fn fn, void *arg)
{
	assert(g->n_metrics < GATEWAY_METRICS_MAX);
	g->metrics[g->n_metrics].fn = fn;
	g->metrics[g->n_metrics++].arg = arg;
}

void gateway_on_reload(struct gateway *g, gateway_reload_fn fn, void *arg)
{
	assert(g->n_reloaders < GATEWAY_RELOADERS_MAX);
	g->reloaders[g->n_reloaders].fn = fn;
	g->reloaders[g->n_reloaders++].arg = arg;
}

void gateway_on_end(struct gateway *g, void (*fn)(void *arg), void *arg)
{
	assert(g->n_ends < GATEWAY_ENDS_MAX);
	g->ends[g->n_ends].fn = fn;
	g->ends[g->n_ends++].arg = arg;
}

int gateway_rebuild_routes(struct gateway *g, struct err *e)
{
	struct routes *routes = NULL;
	struct world *w;
	int rc = reload_routes(g, gateway_world(g), &routes, e);

	if (rc)
		return rc;
	w = world_copy(gateway_world(g));
	world_set_routes(w, routes);
	gateway_publish(g, w);
	return 0;
}

void gateway_set_text(struct gateway *g, enum world_text_kind kind, const void *p, size_t n)
{
	struct world *w = world_copy(gateway_world(g));

	world_set_text(w, kind, p, n);
	gateway_publish(g, w);
}

static void close_handles(struct gateway *g)
{
	uv_handle_t *handles[] = { (uv_handle_t *)&g->tick, (uv_handle_t *)&g->term,
				   (uv_handle_t *)&g->intr, (uv_handle_t *)&g->hup };
	size_t i;

	for (i = 0; g->has_handles && i < sizeof(handles) / sizeof(handles[0]); i++) {
		if (!uv_is_closing(handles[i]))
			uv_close(handles[i], NULL);
	}
}

/*
 * A guest or an agent lets a thread of ours wait.  Nothing is lost with it: clients are gone, and what it would write down is
 * whole or not there.
 */
static void on_last(uv_timer_t *t)
{
	const struct gateway *g = t->data;

	log_info("gateway: ends without an answer that it still waits for");
	_exit(g->exit_code);
}

/* Does not keep the loop running; gateway_deinit() closes it. */
static void start_last(struct gateway *g)
{
	(void)uv_timer_init(g->loop, &g->last);
	g->last.data = g;
	g->has_last = true;
	uv_unref((uv_handle_t *)&g->last);
	(void)uv_timer_start(&g->last, on_last, GATEWAY_LAST_MS, 0);
}

/* All workers are gone: let go of the rest, and the loop ends. */
static void end(struct gateway *g)
{
	unsigned int i;

	if (g->is_ending)
		return;
	g->is_ending = true;
	for (i = 0; i < g->n_workers; i++)
		worker_join(g->workers[i]);
	g->n_workers = 0;
	free_retired(g);
	if (g->resolver)
		resolver_stop(g->resolver, NULL, NULL);
	g->resolver = NULL;
	if (g->admin)
		http_server_stop(g->admin, NULL, NULL);
	g->admin = NULL;
	for (i = 0; i < g->n_ends; i++)
		g->ends[i].fn(g->ends[i].arg);
	proof_stop(g->proof);
	g->proof = NULL;
	identity_stop(g->identity);
	g->identity = NULL;
	close_handles(g);
	start_last(g);
}

static bool have_all_ended(const struct gateway *g)
{
	unsigned int i;

	for (i = 0; i < g->n_workers; i++) {
		if (atomic_load_explicit(&g->workers[i]->seen, memory_order_acquire) != UINT64_MAX)
			return false;
	}
	return true;
}

static void rotate_tickets(struct gateway *g)
{
	struct world *w = world_copy(gateway_world(g));

	world_rotate_tickets(w);
	gateway_publish(g, w);
}

/* What our own authority signed is renewed, which the watch on its files sees; of the others it is said again. */
static void look_at_ends(struct gateway *g)
{
	struct err e = ERR_NONE;

	if (dev_ca_ensure(g->config, &e) < 0)
		log_error("gateway: %s", e.text);
	reload_warn_of_ends(g, gateway_world(g)->sites);
}

static void on_tick(uv_timer_t *t)
{
	struct gateway *g = t->data;
	uint64_t now = uv_now(g->loop);

	free_retired(g);
	if (now >= g->rotate_ms) {
		g->rotate_ms = now + g->config->rotate_ms;
		rotate_tickets(g);
	}
	if (now >= g->look_ms) {
		g->look_ms = now + GATEWAY_LOOK_MS;
		if (reload_is_due(g))
			(void)gateway_reload(g, NULL);
	}
	if (now >= g->hour_ms) {
		g->hour_ms = now + GATEWAY_HOUR_MS;
		look_at_ends(g);
	}
	if (!g->is_draining)
		return;
	if (now >= g->stop_ms) {
		atomic_store(&g->shared.mode, WORKER_STOP);
		wake_all(g);
	}
	if (have_all_ended(g))
		end(g);
}

void gateway_drain(struct gateway *g)
{
	uint64_t now = uv_now(g->loop);

	if (g->is_draining) {
		g->stop_ms = now;
		return;
	}
	g->is_draining = true;
	g->stop_ms = now + g->config->drain_ms;
	notify("STOPPING=1\n");
	log_info("gateway: accepts nothing more; connections have %u s to end",
		 g->config->drain_ms / 1000);
	atomic_store(&g->shared.mode, WORKER_DRAIN);
	wake_all(g);
}

static void on_end_signal(uv_signal_t *s, int number)
{
	(void)number;
	gateway_drain(s->data);
}

static void on_hup(uv_signal_t *s, int number)
{
	(void)number;
	(void)gateway_reload(s->data, NULL);
}

static int start_handles(struct gateway *g, struct err *e)
{
	int rc;

	(void)uv_timer_init(g->loop, &g->tick);
	(void)uv_signal_init(g->loop, &g->term);
	(void)uv_signal_init(g->loop, &g->intr);
	(void)uv_signal_init(g->loop, &g->hup);
	g->has_handles = true;
	g->tick.data = g->term.data = g->intr.data = g->hup.data = g;
	rc = uv_timer_start(&g->tick, on_tick, GATEWAY_TICK_MS, GATEWAY_TICK_MS);
	if (!rc)
		rc = uv_signal_start(&g->term, on_end_signal, SIGTERM);
	if (!rc)
		rc = uv_signal_start(&g->intr, on_end_signal, SIGINT);
	if (!rc)
		rc = uv_signal_start(&g->hup, on_hup, SIGHUP);
	return rc ? err_set(e, rc, "handling signals: %s", uv_strerror(rc)) : 0;
}

/* Who sets WireGuard's peers is a program that we run. */
static int drop_rights(const struct gw_config *c, struct err *e)
{
	const char *state = c->state ? c->state : c->registration.state;

	if (!c->user)
		return 0;
	if (c->registration.interface)
		return privileges_drop_but(c->user, state, CAP_NET_ADMIN, e);
	return privileges_drop(c->user, state, e);
}

int gateway_open(struct gateway *g, uv_loop_t *loop, const struct gw_config *c, struct err *e)
{
	unsigned int i;
	int rc;

	g->loop = loop;
	g->first = c;
	g->config = gw_config_ref(c);
	g->start_ms = uv_now(loop);
	g->shared.patient_until_ms = uv_now(loop) + GATEWAY_PATIENT_MS;
	g->hour_ms = uv_now(loop) + GATEWAY_HOUR_MS;
	g->rotate_ms = uv_now(loop) + c->rotate_ms;
	g->access_fd = -1;
	rc = reload_open_access(c, &g->access_fd, e);
	/* all listen before one accepts: what is wrong with an address is said before a client comes */
	for (i = 0; i < c->workers && !rc; i++) {
		rc = worker_new(&g->workers[i], &g->shared, i, c, e);
		g->n_workers += !rc;
	}
	if (!rc && c->admin)
		rc = admin_start(g, e);
	return rc ? rc : drop_rights(c, e); /* threads begin after */
}

static int load(struct gateway *g, struct err *e)
{
	struct world *w = xnew(struct world);
	int rc;

	w->version = 1;
	world_set_config(w, g->config);
	world_set_access(w, steal_fd(&g->access_fd));
	world_rotate_tickets(w);
	rc = reload_first(g, w, e);
	if (rc) {
		world_free(w);
		return rc;
	}
	gateway_publish(g, w);
	reload_warn_of_ends(g, w->sites);
	return 0;
}

int gateway_start(struct gateway *g, struct err *e)
{
	unsigned int i;
	int rc = load(g, e);

	if (!rc)
		rc = start_handles(g, e);
	if (!rc)
		rc = resolver_start(&g->resolver, g->loop, g->config, e);
	if (rc)
		return rc;
	g->shared.resolver = g->resolver;
	for (i = 0; i < g->n_workers && !rc; i++)
		rc = worker_start(g->workers[i], e);
	if (rc)
		return rc;
	proof_start(&g->proof, g->loop, g);
	notify("READY=1\n");
	log_info("gateway: %u workers, %zu domains, %zu apps", g->n_workers, g->config->n_domains,
		 routes_n_apps(gateway_world(g)->routes->routes));
	return 0;
}

void gateway_give_up(struct gateway *g)
{
	g->exit_code = EXIT_FAILURE;
	atomic_store(&g->shared.mode, WORKER_STOP);
	wake_all(g);
	end(g);
}

void gateway_deinit(struct gateway *g)
{
	struct world *w;

	if (g->has_last) {
		uv_close((uv_handle_t *)&g->last, NULL);
		(void)uv_run(g->loop, UV_RUN_DEFAULT);
		g->has_last = false;
	}
	while ((w = g->retired)) {
		g->retired = w->next;
		world_free(w);
	}
	world_free(atomic_load(&g->shared.world));
	atomic_store(&g->shared.world, NULL);
	g->access_fd = fd_close(g->access_fd);
	gw_config_unref(g->config);
	g->config = NULL;
}
