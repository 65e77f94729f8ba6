/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime: a watcher lives until its HTTP stream is closed and its timer's handle is.  It leaves its
 * VM's list as soon as its stream ends, so the VM may go before it.
 */
#include "daemon/api_events.h"

#include <stdbool.h>
#include <string.h>

#include <uv.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/vm.h"
#include "data/json.h"
#include "loop/http_server.h"

struct watcher {
	struct watcher *next; /* of the same VM */
	struct daemon *d;
	struct vm *vm; /* NULL: gone, or of no more interest */
	struct http_stream *http;
	uv_timer_t heartbeat;
	bool timer_open, is_full, follows;
	uint64_t seen; /* the last seq that was sent */
};

static void detach(struct watcher *w)
{
	struct watcher **at;

	if (!w->vm)
		return;
	at = &w->vm->watchers;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->vm = NULL;
}

static void release(struct watcher *w)
{
	if (w->http || w->timer_open)
		return;
	w->d->n_watchers--;
	free(w);
}

static void timer_closed(uv_handle_t *h)
{
	struct watcher *w = h->data;

	w->timer_open = false;
	release(w);
}

static void stream_closed(void *arg)
{
	struct watcher *w = arg;

	w->http = NULL;
	detach(w);
	if (!uv_is_closing((uv_handle_t *)&w->heartbeat))
		uv_close((uv_handle_t *)&w->heartbeat, timer_closed);
}

static void finish(struct watcher *w)
{
	detach(w);
	if (w->http)
		http_stream_end(w->http);
}

static size_t send_event(const struct watcher *w, const struct event *ev)
{
	json_t *j = json_pack("{s:I, s:I, s:I, s:s, s:s}", "seq", (json_int_t)ev->seq, "timestamp",
			      (json_int_t)ev->at_ms, "generation", (json_int_t)ev->generation,
			      "event", ev->name, "body", ev->body);
	auto_free char *text = json_compact(j), *line = xasprintf("%s\n", text);

	json_decref(j);
	return http_stream_write(w->http, line, strlen(line));
}

static void pump(struct watcher *w)
{
	const struct events *all = &w->vm->events;
	size_t i, queued = 0;

	for (i = 0; i < all->n && queued < EVENTS_QUEUE_MAX; i++) {
		if (events_at(all, i)->seq <= w->seen)
			continue;
		w->seen = events_at(all, i)->seq;
		queued = send_event(w, events_at(all, i));
	}
	w->is_full = queued >= EVENTS_QUEUE_MAX;
	if (!w->is_full && !w->follows)
		finish(w);
}

static void drained(void *arg)
{
	struct watcher *w = arg;

	w->is_full = false;
	if (w->vm)
		pump(w);
}

static void on_heartbeat(uv_timer_t *t)
{
	struct watcher *w = t->data;

	if (w->http && w->vm && !w->is_full)
		(void)http_stream_write(w->http, "\n", 1);
}

void api_events_wake(struct vm *vm)
{
	struct watcher *w, *next;

	for (w = vm->watchers; w; w = next) {
		next = w->next;
		if (!w->is_full && w->http)
			pump(w);
	}
}

void api_events_end(struct vm *vm)
{
	while (vm->watchers)
		finish(vm->watchers);
}

void api_events_stop(struct daemon *d)
{
	struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next)
		api_events_end(vm);
}

static bool wants(const struct http_request *r, const char *key)
{
	char text[16];

	return api_query(r, key, text, sizeof(text)) == 1 && !str_equal(text, "false") &&
	       !str_equal(text, "0");
}

static void start_watcher(struct vm *vm, struct http_request *r, uint64_t since)
{
	struct watcher *w = xnew(struct watcher);

	w->d = vm->d;
	w->vm = vm;
	w->seen = since;
	w->follows = wants(r, "follow");
	w->next = vm->watchers;
	vm->watchers = w;
	vm->d->n_watchers++;
	(void)uv_timer_init(vm->d->loop, &w->heartbeat);
	w->heartbeat.data = w;
	w->timer_open = true;
	(void)uv_timer_start(&w->heartbeat, on_heartbeat, EVENTS_HEARTBEAT_MS, EVENTS_HEARTBEAT_MS);
	w->http = http_reply_stream(r, 200, "application/x-ndjson", drained, stream_closed, w);
	pump(w);
}

void api_events_serve(struct daemon *d, struct http_request *r)
{
	char id[VM_ID_MAX + 1], text[24];
	uint64_t since = 0;
	struct vm *vm;
	int rc;

	rc = api_query(r, "since", text, sizeof(text));
	if (api_query(r, "id", id, sizeof(id)) != 1 || rc < 0 ||
	    (rc == 1 && num_parse_u64(text, 0, INT64_MAX, &since))) {
		api_text(r, 422, "/events?id=ID[&follow=true][&since=SEQ]\n");
		return;
	}
	vm = vm_id_is_valid(id) ? fleet_find(&d->fleet, id) : NULL;
	if (!vm)
		api_text(r, 404, "VM not found");
	else if (d->n_watchers >= EVENTS_WATCHERS_MAX)
		api_text(r, 429, "too many watchers\n");
	else
		start_watcher(vm, r, since);
}
