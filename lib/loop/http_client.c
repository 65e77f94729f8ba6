/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  A call by address is a libcurl transfer in one multi handle, whose sockets and
 * timer are ours to watch.  A call on a connected fd is an http_exchange with a poll handle and a timer.
 *
 * Lifetime: a call by address has no handles of its own and ends with its transfer.  A call on an fd lives
 * until its two handles are closed.  The client lives until n_handles is 0: its own timer, a poll handle
 * for each socket of libcurl, two for each call on an fd.
 */
#include "loop/http_client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/http_exchange.h"
#include "loop/http_transfer.h"

enum { TIMEOUT_MS = 60 * 1000 };

struct http_client {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	unsigned int n_handles;
	bool is_stopping;
	LIST_HEAD(, http_call) calls;
	void (*done)(void *arg);
	void *done_arg;
};

struct http_call {
	LIST_ENTRY(http_call) link;
	struct http_client *client;
	http_call_fn done;
	void *arg;
	struct http_transfer *transfer; /* by address, or */
	struct http_exchange *exchange; /* on an fd */
	unsigned int n_handles;
	unsigned int timeout_ms;
	uv_poll_t poll;
	uv_timer_t deadline;
};

/* A socket of libcurl's. */
struct watch {
	struct http_client *client;
	uv_poll_t poll;
	curl_socket_t fd;
};

static void client_release(struct http_client *c);

/* ---- calls on an fd ---- */

static void on_call_closed(uv_handle_t *h)
{
	struct http_call *call = h->data;
	struct http_client *c = call->client;

	c->n_handles--;
	if (--call->n_handles == 0) {
		http_exchange_deinit(call->exchange);
		free(call->exchange);
		free(call);
	}
	client_release(c);
}

/* Out of the list, and gone when its handles are. */
static void exchange_close(struct http_call *call)
{
	LIST_REMOVE(call, link);
	uv_close((uv_handle_t *)&call->poll, on_call_closed);
	uv_close((uv_handle_t *)&call->deadline, on_call_closed);
}

static void exchange_end(struct http_call *call, int rc, const struct err *e)
{
	const struct http_exchange *x = call->exchange;
	struct http_answer a = { .status = x->wire.status, .body = x->body };

	exchange_close(call);
	(void)str_copy(a.content_type, sizeof(a.content_type), x->wire.content_type);
	call->done(call->arg, rc < 0 ? NULL : &a, rc < 0 ? e : NULL);
}

static void on_exchange(uv_poll_t *p, int status, int events)
{
	struct http_call *call = p->data;
	struct err e = ERR_NONE;
	int rc;

	(void)events;
	(void)status; /* the socket's own error comes with recv() */
	rc = http_exchange_step(call->exchange, &e);
	if (rc != 0)
		exchange_end(call, rc, &e);
	else if (!http_exchange_is_sending(call->exchange))
		(void)uv_poll_start(p, UV_READABLE, on_exchange);
}

static void on_deadline(uv_timer_t *t)
{
	struct http_call *call = t->data;
	struct err e = ERR_NONE;

	(void)err_set(&e, -ETIMEDOUT, "no answer within %u ms", call->timeout_ms);
	exchange_end(call, e.code, &e);
}

static int exchange_start(struct http_call *call, struct err *e)
{
	struct http_client *c = call->client;
	int rc = uv_poll_init(c->loop, &call->poll, call->exchange->fd);

	if (rc < 0)
		return err_set(e, rc, "watching a connection: %s", uv_strerror(rc));
	(void)uv_timer_init(c->loop, &call->deadline);
	call->poll.data = call;
	call->deadline.data = call;
	call->n_handles = 2;
	c->n_handles += 2;
	(void)uv_timer_start(&call->deadline, on_deadline, call->timeout_ms, 0);
	(void)uv_poll_start(&call->poll, UV_READABLE | UV_WRITABLE, on_exchange);
	return 0;
}

/* ---- calls by address ---- */

static void transfer_drop(struct http_call *call)
{
	LIST_REMOVE(call, link);
	(void)curl_multi_remove_handle(call->client->multi, call->transfer->curl);
	http_transfer_free(call->transfer);
	free(call);
}

static void transfer_end(struct http_call *call, CURLcode code)
{
	struct http_answer a = { 0 };
	struct err e = ERR_NONE;
	http_call_fn done = call->done;
	void *arg = call->arg;
	int rc = http_transfer_result(call->transfer, code, &a, &e);

	transfer_drop(call);
	done(arg, rc < 0 ? NULL : &a, rc < 0 ? &e : NULL);
	buf_deinit(&a.body);
}

static struct http_call *call_of(CURL *curl)
{
	char *call = NULL;

	(void)curl_easy_getinfo(curl, CURLINFO_PRIVATE, &call);
	return (struct http_call *)(void *)call;
}

static void collect(struct http_client *c)
{
	struct http_call *call;
	const CURLMsg *m;
	int left;

	while (!c->is_stopping && (m = curl_multi_info_read(c->multi, &left))) {
		call = m->msg == CURLMSG_DONE ? call_of(m->easy_handle) : NULL;
		if (call)
			transfer_end(call, m->data.result);
	}
}

static void act(struct http_client *c, curl_socket_t fd, int flags)
{
	int running;

	if (c->is_stopping)
		return;
	(void)curl_multi_socket_action(c->multi, fd, flags, &running);
	collect(c);
}

static void on_socket(uv_poll_t *p, int status, int events)
{
	struct watch *w = p->data;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0;

	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(w->client, w->fd, flags);
}

static void on_watch_closed(uv_handle_t *h)
{
	struct watch *w = h->data;
	struct http_client *c = w->client;

	c->n_handles--;
	free(w);
	client_release(c);
}

static struct watch *watch_new(struct http_client *c, curl_socket_t fd)
{
	struct watch *w = xnew(struct watch);

	w->client = c;
	w->fd = fd;
	if (uv_poll_init(c->loop, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	w->poll.data = w;
	c->n_handles++;
	return w;
}

/* libcurl says what to wait for. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http_client *c = arg;
	struct watch *w = known;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (!w)
		w = watch_new(c, fd);
	if (!w)
		return -1; /* the transfers fail */
	(void)curl_multi_assign(c->multi, fd, w);
	if (what != CURL_POLL_OUT)
		events |= UV_READABLE;
	if (what != CURL_POLL_IN)
		events |= UV_WRITABLE;
	return uv_poll_start(&w->poll, events, on_socket) < 0 ? -1 : 0;
}

static void on_timer(uv_timer_t *t)
{
	act(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	struct http_client *c = arg;

	(void)multi;
	if (c->is_stopping)
		return 0;
	if (ms < 0)
		(void)uv_timer_stop(&c->timer);
	else
		(void)uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

/* ---- the client ---- */

int http_client_start(struct http_client **ret, uv_loop_t *loop, struct err *e)
{
	struct http_client *c = xnew(struct http_client);

	c->loop = loop;
	LIST_INIT(&c->calls);
	c->multi = curl_multi_init();
	if (!c->multi) {
		free(c);
		return err_set(e, -ENOMEM, "starting an HTTP client");
	}
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	(void)uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->n_handles = 1;
	*ret = c;
	return 0;
}

/* Called after each close callback; the last one ends it. */
static void client_release(struct http_client *c)
{
	void (*done)(void *arg) = c->done;
	void *arg = c->done_arg;

	if (c->n_handles > 0)
		return;
	(void)curl_multi_cleanup(c->multi);
	free(c);
	if (done)
		done(arg);
}

static void on_client_timer_closed(uv_handle_t *h)
{
	struct http_client *c = h->data;

	c->n_handles--;
	client_release(c);
}

/* From the loop: tell those who still wait, then let go of everything. */
static void on_stopping(uv_timer_t *t)
{
	struct http_client *c = t->data;
	struct http_call *call;
	struct err e = ERR_NONE;
	http_call_fn done;
	void *arg;

	(void)err_set(&e, -ECANCELED, "stopped");
	while ((call = LIST_FIRST(&c->calls))) {
		done = call->done;
		arg = call->arg;
		http_call_cancel(call);
		done(arg, NULL, &e);
	}
	uv_close((uv_handle_t *)t, on_client_timer_closed);
}

void http_client_stop(struct http_client *c, void (*done)(void *arg), void *arg)
{
	if (!c || c->is_stopping)
		return;
	c->is_stopping = true;
	c->done = done;
	c->done_arg = arg;
	(void)uv_timer_start(&c->timer, on_stopping, 0, 0);
}

static int start_call(struct http_call *call, const struct http_call_options *o, struct err *e)
{
	int rc;

	if (o->fd >= 0) {
		call->exchange = xnew(struct http_exchange);
		rc = http_exchange_init(call->exchange, o, e);
		if (rc < 0)
			return rc;
		return exchange_start(call, e);
	}
	rc = http_transfer_new(&call->transfer, o, e);
	if (rc < 0)
		return rc;
	(void)curl_easy_setopt(call->transfer->curl, CURLOPT_PRIVATE, call);
	if (curl_multi_add_handle(call->client->multi, call->transfer->curl) != CURLM_OK)
		return err_set(e, -ENOMEM, "calling '%s'", o->url);
	return 0;
}

int http_call_start(struct http_client *c, const struct http_call_options *o, http_call_fn done,
		    void *arg, struct http_call **ret, struct err *e)
{
	struct http_call *call;
	int rc;

	assert(!o->on_body);
	if (c->is_stopping) {
		(void)fd_close(o->fd);
		return err_set(e, -ECANCELED, "stopped");
	}
	call = xnew(struct http_call);
	call->client = c;
	call->done = done;
	call->arg = arg;
	call->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	rc = start_call(call, o, e);
	if (rc < 0) {
		if (call->exchange)
			http_exchange_deinit(call->exchange);
		free(call->exchange);
		http_transfer_free(call->transfer);
		free(call);
		return rc;
	}
	LIST_INSERT_HEAD(&c->calls, call, link);
	if (ret)
		*ret = call;
	return 0;
}

void http_call_cancel(struct http_call *call)
{
	if (!call)
		return;
	if (call->exchange)
		exchange_close(call);
	else
		transfer_drop(call);
}
