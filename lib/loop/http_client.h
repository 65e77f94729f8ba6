/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_client: HTTP requests through libcurl, on the loop or blocking
 *
 * By address it is libcurl that speaks; on a connected fd it is http_exchange (http_wire.h says why).
 *
 * Trusts   nothing it reads: the reply is capped, the whole call has one deadline.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/buf.h"

struct err;
struct http_client;
struct http_call;

/* A request.  Borrowed until http_call_start() / http_call_wait() returns, but @fd is taken over. */
struct http_call_options {
	const char *method;    /* "GET", "POST" */
	const char *url;       /* host part is only the Host header when fd or unix_path is used */
	int fd;		       /* a connected stream socket to speak on; -1: none */
	const char *unix_path; /* connect here; NULL: none */
	const char *content_type; /* NULL: no such header */
	const char *bearer;	  /* a token, sent by address only; NULL: none.  Wiped after */
	const char *user_agent;	  /* by address only; NULL: no such header */
	const char *ca_file; /* PEM of who may sign its certificate; NULL: whom this host trusts */
	const void *body;    /* NULL: none */
	size_t n_body;
	size_t reply_max;	 /* ERR_LIMIT over this; 0: 10 MiB */
	unsigned int timeout_ms; /* the whole call; 0: 60000 */
	/*
	 * By address only: append its certificate as PEM here, and do not ask who signed it or for which
	 * name.  The caller has another way to know whose key that is, and must use it.  NULL: none of this.
	 */
	struct buf *certificate;
	bool may_proxy; /* by the proxy that libcurl finds in the environment, if there is one */
	/* Called with each line of the answer's head, the first one too, without its end (by address
	 * only); negative stops. */
	int (*on_header)(const char *line, size_t n, void *arg);
	/* Called with body bytes as they come instead of collecting them (blocking calls only);
	 * negative stops.  timeout_ms then bounds connecting and the time to the first byte. */
	int (*on_body)(const void *p, size_t n, void *arg);
	void *arg;
};

struct http_answer {
	int status;
	char content_type[128];
	struct buf body; /* caller (blocking) or borrowed (loop) */
};

/* One per loop; shares libcurl's multi handle. */
int http_client_start(struct http_client **ret, uv_loop_t *loop, struct err *e);
void http_client_stop(struct http_client *c, void (*done)(void *arg), void *arg);

/*
 * @done runs once, on the loop, never before http_call_start() returns; @a is NULL and @e says why when
 * there is no answer (an HTTP error status is an answer).  After http_call_cancel() it does not run.
 */
typedef void (*http_call_fn)(void *arg, const struct http_answer *a, const struct err *e);
int http_call_start(struct http_client *c, const struct http_call_options *o, http_call_fn done,
		    void *arg, struct http_call **ret, struct err *e);
void http_call_cancel(struct http_call *c);

/* The same, blocking the thread: for command line tools and the guest's init. */
int http_call_wait(const struct http_call_options *o, struct http_answer *ret, struct err *e);
