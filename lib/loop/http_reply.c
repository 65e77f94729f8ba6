/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream lives until libmicrohttpd lets go of its response.  While nothing is queued its connection is
 * suspended, and watched for a client that hangs up.
 */
#include "loop/http_parts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	BLOCK = 16 * 1024,
	WIPED_MAX = 64 * 1024,	      /* no answer with keys is longer */
	QUEUE_MAX = 64 * 1024 * 1024, /* a caller that does not stop by itself loses its client */
};

struct http_stream {
	struct http_conn *conn;
	struct MHD_Connection *mhd; /* NULL: the client was gone before the answer */
	struct buf queue;
	bool is_ended, is_left, is_suspended, has_written;
	void (*drained)(void *arg);
	void (*closed)(void *arg);
	void *arg;
	uv_timer_t late; /* only for a client that was gone before */
};

void http_answer_headers(const struct http_server *s, struct MHD_Response *m)
{
	const struct http_header *h;

	for (h = s->o.headers; h && h->name; h++) {
		if (!MHD_get_response_header(m, h->name))
			(void)MHD_add_response_header(m, h->name, h->value);
	}
}

static void answer(struct http_request *r, int status, const char *content_type,
		   struct MHD_Response *m)
{
	r->with_handler = false;
	if (content_type)
		(void)MHD_add_response_header(m, "Content-Type", content_type);
	http_answer_headers(r->server, m);
	r->answer = m;
	r->status = status;
	http_request_drop_body(r);
	if (!r->is_inside)
		http_request_resume(r);
}

static void forget(struct http_request *r)
{
	r->with_handler = false;
	http_request_free_if_done(r);
}

/* An answer's bytes, which may be keys. */
struct body {
	size_t n;
	uint8_t p[];
};

static void wipe_body(void *p)
{
	struct body *b = (struct body *)(void *)((uint8_t *)p - offsetof(struct body, p));

	secret_wipe(b->p, b->n < WIPED_MAX ? b->n : WIPED_MAX);
	free(b);
}

static struct MHD_Response *copy_body(const void *p, size_t n)
{
	struct body *b = xcalloc(1, sizeof(*b) + n + 1);

	b->n = n;
	if (n)
		memcpy(b->p, p, n);
	return MHD_create_response_from_buffer_with_free_callback(n, b->p, wipe_body);
}

void http_reply(struct http_request *r, int status, const char *content_type, const void *body,
		size_t n, const struct http_header *headers)
{
	struct MHD_Response *m;

	if (!r->mhd) {
		forget(r);
		return;
	}
	m = copy_body(body, n);
	if (!m)
		abort(); /* out of memory */
	for (; headers && headers->name; headers++)
		(void)MHD_add_response_header(m, headers->name, headers->value);
	r->n_answer = n;
	answer(r, status, content_type, m);
}

static void stream_suspend(struct http_stream *s)
{
	s->is_suspended = true;
	s->conn->deadline_ms = 0;
	MHD_suspend_connection(s->mhd);
	http_conn_watch(s->conn, true);
}

static void stream_resume(struct http_stream *s)
{
	if (!s->is_suspended)
		return;
	s->is_suspended = false;
	http_conn_watch(s->conn, false);
	http_conn_progress(s->conn, 0);
	MHD_resume_connection(s->mhd);
	http_server_wake(s->conn->server);
}

/* libmicrohttpd wants the next bytes: what it had has gone out. */
static ssize_t stream_read(void *arg, uint64_t at, char *to, size_t max)
{
	struct http_stream *s = arg;
	size_t n;

	(void)at;
	if (s->queue.n == 0 && s->has_written && !s->is_ended && s->drained) {
		s->has_written = false;
		s->drained(s->arg);
	}
	if (s->is_left)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = s->queue.n < max ? s->queue.n : max;
	if (n) {
		memcpy(to, s->queue.p, n);
		buf_drop(&s->queue, n);
		http_conn_progress(s->conn, 0);
		return (ssize_t)n;
	}
	if (s->is_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	stream_suspend(s);
	return 0;
}

static void stream_free(void *arg)
{
	struct http_stream *s = arg;
	void (*closed)(void *arg) = s->closed;
	void *closed_arg = s->arg;

	if (s->conn)
		s->conn->stream = NULL;
	buf_deinit(&s->queue);
	free(s);
	closed(closed_arg);
}

static void on_late_closed(uv_handle_t *h)
{
	stream_free(h->data);
}

static void on_late(uv_timer_t *t)
{
	uv_close((uv_handle_t *)t, on_late_closed);
}

/* The caller still must hear `closed`, from the loop. */
static void stream_for_nobody(struct http_stream *s, uv_loop_t *loop)
{
	s->is_left = true;
	(void)uv_timer_init(loop, &s->late);
	s->late.data = s;
	(void)uv_timer_start(&s->late, on_late, 0, 0);
}

struct http_stream *http_reply_stream(struct http_request *r, int status, const char *content_type,
				      void (*drained)(void *arg), void (*closed)(void *arg),
				      void *arg)
{
	struct http_stream *s = xnew(struct http_stream);
	struct MHD_Response *m;

	s->queue = BUF_MAX(QUEUE_MAX);
	s->drained = drained;
	s->closed = closed;
	s->arg = arg;
	if (!r->mhd) {
		stream_for_nobody(s, r->loop);
		forget(r);
		return s;
	}
	s->conn = r->conn;
	s->mhd = r->mhd;
	s->conn->stream = s;
	m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, stream_read, s, stream_free);
	if (!m)
		abort(); /* out of memory */
	answer(r, status, content_type, m);
	return s;
}

size_t http_stream_write(struct http_stream *s, const void *p, size_t n)
{
	if (s->is_left || s->is_ended || n == 0)
		return s->queue.n;
	if (buf_add(&s->queue, p, n) < 0) {
		http_stream_left(s);
		return s->queue.n;
	}
	s->has_written = true;
	stream_resume(s);
	return s->queue.n;
}

void http_stream_end(struct http_stream *s)
{
	s->is_ended = true;
	stream_resume(s);
}

void http_stream_left(struct http_stream *s)
{
	s->is_left = true;
	stream_resume(s);
}
