/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon is alive if it answers; libvirt is if it lists its domains in time.  A check outlives the
 * requests that wait for it: they are answered when their time is over, and until the check ends the next
 * ones are at once.
 */
#include "daemon/api_health.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/api_auth.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/limits.h"
#include "data/json.h"
#include "domain/hypervisor.h"
#include "loop/http_server.h"

struct health {
	struct daemon *d; /* NULL: it ends, and the check that goes on is nobody's */
	struct http_request *waiting[HEALTH_WAITING];
	size_t n;
	uv_timer_t timer;
	bool is_checking, has_timer;
};

static void add(json_t *checks, const char *name, const char *why, bool *all)
{
	char text[256];

	(void)json_object_set_new(
		checks, name,
		json_string(why && *why ? str_escape(text, sizeof(text), why, strlen(why)) : "ok"));
	*all = *all && !(why && *why);
}

static void answer(const struct daemon *d, struct http_request *r, const char *libvirt)
{
	struct err disk = ERR_NONE;
	json_t *checks = json_object(), *j;
	auto_free char *text = NULL;
	bool all = true;

	(void)limits_check_space(d->config, d->config->state, 0, &disk);
	add(checks, "libvirt", libvirt, &all);
	add(checks, "vsock", d->vsock_missing, &all);
	add(checks, "disk", disk.text, &all);
	add(checks, "secrets",
	    d->auth && api_auth_is_stale(d->auth)
		    ? "a file of api.tokens_file or api.htpasswd_file "
		      "is wrong; see the log"
		    : NULL,
	    &all);
	j = json_pack("{s:s, s:o}", "status", all ? "ok" : "failing", "checks", checks);
	text = json_compact_ascii(j);
	json_decref(j);
	http_reply(r, all ? 200 : 503, "application/json", text, strlen(text), NULL);
}

static void answer_all(struct health *h, const char *libvirt)
{
	while (h->n)
		answer(h->d, h->waiting[--h->n], libvirt);
}

static void on_late(uv_timer_t *t)
{
	answer_all(t->data, "does not answer");
}

static void free_if_done(struct health *h)
{
	if (!h->d && !h->is_checking && !h->has_timer)
		free(h);
}

static void on_timer_closed(uv_handle_t *t)
{
	struct health *h = t->data;

	h->has_timer = false;
	free_if_done(h);
}

static void on_listed(void *arg, const struct hypervisor_result *res)
{
	struct health *h = arg;

	h->is_checking = false;
	if (h->d) {
		(void)uv_timer_stop(&h->timer);
		answer_all(h, res->rc ? res->err.text : NULL);
	}
	free_if_done(h);
}

static struct health *health_of(struct daemon *d)
{
	struct health *h = d->health;

	if (h)
		return h;
	h = xnew(struct health);
	h->d = d;
	(void)uv_timer_init(d->loop, &h->timer);
	h->timer.data = h;
	h->has_timer = true;
	d->health = h;
	return h;
}

void api_health_serve(struct daemon *d, struct http_request *r)
{
	struct health *h;
	bool is_late;

	if (d->is_stopping) { /* nobody would close the timer */
		answer(d, r, "baileyd ends");
		return;
	}
	h = health_of(d);
	is_late = h->is_checking && !uv_is_active((const uv_handle_t *)&h->timer);
	if (is_late || h->n == HEALTH_WAITING) {
		answer(d, r, is_late ? "does not answer" : "too many ask at once");
		return;
	}
	h->waiting[h->n++] = r;
	if (h->is_checking)
		return;
	h->is_checking = true;
	(void)uv_timer_start(&h->timer, on_late, HEALTH_WAIT_MS, 0);
	hypervisor_list(d->hypervisor, on_listed, h);
}

void api_health_stop(struct daemon *d)
{
	struct health *h = d->health;

	if (!h)
		return;
	answer_all(h, "baileyd ends");
	d->health = NULL;
	h->d = NULL;
	uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}
