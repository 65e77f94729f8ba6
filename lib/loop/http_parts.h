/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_parts: what the files of the HTTP server share; nobody else includes it
 *
 *	http_server.c   the loop's side: when libmicrohttpd runs, deadlines, the end
 *	http_accept.c   listeners and connections
 *	http_request.c  libmicrohttpd's callbacks: a request comes in
 *	http_reply.c    answers, whole and streamed
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <uv.h>

#include "base/buf.h"
#include "loop/http_server.h"
#include "loop/rate.h"

enum {
	HTTP_BYTES_PER_S = 64 * 1024, /* a peer that moves at least this much keeps its deadline */
	HTTP_METHOD_MAX = 16,
};

struct http_listener {
	LIST_ENTRY(http_listener) link;
	struct http_server *server;
	uv_poll_t poll;
	int fd;
	bool polling;
	size_t n_peer;
	uint8_t peer[];
};

struct http_conn {
	LIST_ENTRY(http_conn) link;
	struct http_server *server;
	struct http_request *request; /* whose answer is not queued yet */
	struct http_stream *stream;
	uint64_t deadline_ms; /* 0: none */
	int fd;		      /* libmicrohttpd's */
	bool watched;	      /* for a client that goes away */
	bool is_stranger;
	uint32_t uid, cid;
	struct sockaddr_storage from;
	size_t n_peer;
	uint8_t peer[];
};

struct http_request {
	TAILQ_ENTRY(http_request) link; /* in server->waiting */
	struct http_server *server;	/* NULL when the connection is gone */
	struct http_conn *conn;		/* likewise */
	struct MHD_Connection *mhd;	/* likewise */
	uv_loop_t *loop;
	char method[HTTP_METHOD_MAX];
	char *path, *query; /* one block; query points into it */
	struct buf body;
	size_t body_max, n_seen;
	struct MHD_Response *answer;
	size_t n_answer;
	int status;
	bool has_token, is_begun, is_waiting, is_too_large;
	bool is_inside;	   /* on_request() runs now */
	bool is_suspended; /* libmicrohttpd leaves it alone */
	bool with_handler; /* handed over and not answered */
	void (*gone)(void *arg);
	void *gone_arg;
};

struct http_server {
	uv_loop_t *loop;
	struct http_server_options o;
	struct MHD_Daemon *mhd;
	uv_poll_t events;    /* libmicrohttpd's epoll fd */
	uv_poll_t leaving;   /* gone_fd */
	uv_prepare_t before; /* runs libmicrohttpd before the loop sleeps, when there is reason */
	uv_timer_t again;
	uv_timer_t sweep;
	int gone_fd; /* epoll: hang-ups of connections whose answer is pending */
	unsigned int n_handles;
	LIST_HEAD(, http_listener) listeners;
	LIST_HEAD(, http_conn) conns;
	TAILQ_HEAD(, http_request) waiting; /* for a token */
	struct http_conn *adding;
	unsigned int n_conns, n_strangers;
	unsigned int n_again; /* runs by the timer in a row that came to nothing */
	size_t bodies;	      /* bytes held */
	uint64_t n_refused;
	uint64_t accept_after_ms; /* out of fds: not before this */
	struct rate rate;
	struct rate_share share;
	struct rate_table *clients;
	char *tls_cert, *tls_key;
	bool is_running, is_stopping;
	void (*done)(void *arg);
	void *done_arg;
};

/* http_server.c */
uint64_t http_server_now(const struct http_server *s);
uint64_t http_server_cpu_us(void);	      /* of this thread */
void http_server_wake(struct http_server *s); /* run libmicrohttpd before the loop sleeps */
void http_server_plan(struct http_server *s); /* decide again what to wait for */
void http_server_watch_deadlines(struct http_server *s);
void http_server_handle_closed(struct http_server *s);

/* http_accept.c */
void http_listeners_plan(struct http_server *s, bool may_accept);
void http_listeners_close(struct http_server *s);
void http_conn_notify(void *arg, struct MHD_Connection *mhd, void **context,
		      enum MHD_ConnectionNotificationCode what);
void http_conn_watch(struct http_conn *c, bool on);
void http_conn_progress(struct http_conn *c, size_t n_expected);
void http_conn_left(struct http_conn *c); /* the client hung up while its answer was pending */

/* http_request.c */
void *http_request_begin(void *arg, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_request_step(void *arg, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n_data, void **context);
void http_request_end(void *arg, struct MHD_Connection *mhd, void **context,
		      enum MHD_RequestTerminationCode why);
void http_request_free_if_done(struct http_request *r);
void http_request_resume(struct http_request *r);
void http_request_drop_body(struct http_request *r);

/* http_reply.c */
void http_answer_headers(const struct http_server *s, struct MHD_Response *m);
void http_stream_left(struct http_stream *s);
