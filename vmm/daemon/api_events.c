/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watcher hangs in the list of its VM, or of the feed of the whole fleet.  It lives until its HTTP stream
 * is closed and its timer's handle is.  It leaves its list as soon as its stream ends, so the VM may go
 * before it.
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
#include "daemon/counts.h"
#include "daemon/daemon.h"
#include "daemon/feed.h"
#include "daemon/fleet.h"
#include "daemon/vm.h"
#include "data/json.h"
#include "loop/http_server.h"

static const char type_sse[] = "text/event-stream", type_lines[] = "application/x-ndjson";

struct watcher {
	struct watcher *next, **list; /* NULL: it has left it */
	struct daemon *d;
	struct vm *vm; /* NULL: all of them */
	struct http_stream *http;
	uv_timer_t heartbeat;
	bool timer_open, is_full, follows, is_sse;
	uint64_t seen; /* the last seq, or the feed's count, that was sent */
};

static void detach(struct watcher *w)
{
	struct watcher **at = w->list;

	if (!at)
		return;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->list = NULL;
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

/* One message.  @type and @place are of the form with server-sent events only. */
static size_t say(const struct watcher *w, const char *type, const char *place, const char *json)
{
	auto_free char *text = NULL;

	if (w->is_sse) {
		text = xasprintf("%s%s%sid: %s\ndata: %s\n\n", type ? "event: " : "",
				 type ? type : "", type ? "\n" : "", place, json);
	} else {
		text = xasprintf("%s\n", json);
	}
	return http_stream_write(w->http, text, strlen(text));
}

static size_t send_event(const struct watcher *w, const struct event *ev)
{
	json_t *j = json_pack("{s:I, s:I, s:I, s:s, s:s}", "seq", (json_int_t)ev->seq, "timestamp",
			      (json_int_t)ev->at_ms, "generation", (json_int_t)ev->generation,
			      "event", ev->name, "body", ev->body);
	auto_free char *text = json_compact(j);
	char place[24];

	json_decref(j);
	(void)str_format(place, sizeof(place), "%llu", (unsigned long long)ev->seq);
	return say(w, NULL, place, text);
}

static size_t pump_vm(struct watcher *w)
{
	const struct events *all = &w->vm->events;
	size_t i, queued = 0;

	for (i = 0; i < all->n && queued < EVENTS_QUEUE_MAX; i++) {
		if (events_at(all, i)->seq <= w->seen)
			continue;
		w->seen = events_at(all, i)->seq;
		queued = send_event(w, events_at(all, i));
	}
	return queued;
}

/* Where the stream goes on from; not complete: what was between is lost, look at Status again. */
static size_t say_hello(struct watcher *w, bool is_complete)
{
	char place[FEED_CURSOR_MAX + 1], text[FEED_CURSOR_MAX + 64];

	feed_cursor(&w->d->feed, w->seen, place);
	(void)str_format(text, sizeof(text), "{\"cursor\":\"%s\",\"complete\":%s}", place,
			 is_complete ? "true" : "false");
	return say(w, "hello", place, text);
}

static size_t pump_fleet(struct watcher *w)
{
	char place[FEED_CURSOR_MAX + 1];
	const char *line;
	size_t queued = 0;

	if (w->seen < feed_oldest(&w->d->feed)) {
		w->seen = feed_oldest(&w->d->feed);
		queued = say_hello(w, false);
	}
	while (queued < EVENTS_QUEUE_MAX && (line = feed_next(&w->d->feed, &w->seen))) {
		feed_cursor(&w->d->feed, w->seen, place);
		queued = say(w, NULL, place, line);
	}
	return queued;
}

static void pump(struct watcher *w)
{
	size_t queued = w->vm ? pump_vm(w) : pump_fleet(w);

	w->is_full = queued >= EVENTS_QUEUE_MAX;
	if (!w->is_full && !w->follows)
		finish(w);
}

static void drained(void *arg)
{
	struct watcher *w = arg;

	w->is_full = false;
	if (w->list)
		pump(w);
}

/* An empty line; for server-sent events, a comment. */
static void on_heartbeat(uv_timer_t *t)
{
	struct watcher *w = t->data;

	if (w->http && w->list && !w->is_full)
		(void)http_stream_write(w->http, w->is_sse ? ":\n\n" : "\n", w->is_sse ? 3 : 1);
}

static void wake(struct watcher *w)
{
	struct watcher *next;

	for (; w; w = next) {
		next = w->next;
		if (!w->is_full && w->http)
			pump(w);
	}
}

void api_events_wake(struct vm *vm)
{
	const struct events *all = &vm->events;
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (events_at(all, i)->seq <= vm->n_fed)
			continue;
		counts_event(vm->d->counts, events_at(all, i)->name);
		feed_add(&vm->d->feed, vm, events_at(all, i));
	}
	vm->n_fed = all->last_seq;
	wake(vm->watchers);
	wake(vm->d->feed.watchers);
}

void api_events_end(struct vm *vm)
{
	while (vm->watchers)
		finish(vm->watchers);
	if (vm->is_hidden || vm->d->is_stopping)
		return;
	feed_add_removed(&vm->d->feed, vm);
	wake(vm->d->feed.watchers);
}

void api_events_stop(struct daemon *d)
{
	struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		while (vm->watchers)
			finish(vm->watchers);
	}
	while (d->feed.watchers)
		finish(d->feed.watchers);
}

static struct watcher *start_watcher(struct daemon *d, struct http_request *r,
				     struct watcher **list, uint64_t seen)
{
	struct watcher *w = xnew(struct watcher);
	const char *accept = http_request_header(r, "Accept");
	char text[16];
	int rc = api_query(r, "follow", text, sizeof(text));

	w->d = d;
	w->seen = seen;
	w->is_sse = accept && strstr(accept, type_sse);
	w->follows = rc == 1 ? !str_equal(text, "false") && !str_equal(text, "0") : w->is_sse;
	w->list = list;
	w->next = *list;
	*list = w;
	d->n_watchers++;
	(void)uv_timer_init(d->loop, &w->heartbeat);
	w->heartbeat.data = w;
	w->timer_open = true;
	(void)uv_timer_start(&w->heartbeat, on_heartbeat, EVENTS_HEARTBEAT_MS, EVENTS_HEARTBEAT_MS);
	w->http = http_reply_stream(r, 200, w->is_sse ? type_sse : type_lines, drained,
				    stream_closed, w);
	return w;
}

/* Where the client was: in a header when a browser comes back, else since=.  "": it does not say. */
static int get_place(const struct http_request *r, char *ret, size_t size)
{
	const char *last = http_request_header(r, "Last-Event-ID");
	int rc;

	if (last)
		return str_copy(ret, size, last) < 0 ? -1 : 0;
	rc = api_query(r, "since", ret, size);
	if (rc == 0)
		*ret = 0;
	return rc < 0 ? rc : 0;
}

static void serve_vm(struct daemon *d, struct http_request *r, const char *id, const char *place)
{
	struct vm *vm = vm_id_is_valid(id) ? fleet_find(&d->fleet, id) : NULL;
	struct watcher *w;
	uint64_t seen = 0;

	if (*place && num_parse_u64(place, 0, INT64_MAX, &seen)) {
		api_text(r, 422, "since is not the seq of an event\n");
	} else if (!vm) {
		api_text(r, 404, "VM not found");
	} else {
		w = start_watcher(d, r, &vm->watchers, seen);
		w->vm = vm;
		pump(w);
	}
}

static void serve_fleet(struct daemon *d, struct http_request *r, const char *place)
{
	uint64_t seen = feed_oldest(&d->feed);
	bool is_complete = true;
	struct watcher *w;

	if (str_equal(place, "now"))
		seen = d->feed.last;
	else if (*place)
		is_complete = feed_find(&d->feed, place, &seen);
	w = start_watcher(d, r, &d->feed.watchers, seen);
	(void)say_hello(w, is_complete);
	pump(w);
}

void api_events_serve(struct daemon *d, struct http_request *r)
{
	char id[VM_ID_MAX + 1], place[FEED_CURSOR_MAX + 1];
	int has_id = api_query(r, "id", id, sizeof(id));

	if (has_id < 0 || get_place(r, place, sizeof(place)) < 0)
		api_text(r, 422, "/events[?id=ID][&follow=true][&since=SEQ]\n");
	else if (d->n_watchers >= EVENTS_WATCHERS_MAX)
		api_text(r, 429, "too many watchers\n");
	else if (has_id)
		serve_vm(d, r, id, place);
	else
		serve_fleet(d, r, place);
}
