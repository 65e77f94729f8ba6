/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_server: HTTP/1.1 on any listening or connected fd, on our loop
 *
 * Owns     a libmicrohttpd daemon, the listening fds given to it, its connections.
 * Trusts   nothing it reads.  Identity is the peer attached to the listener or the connection.
 * Limits   all in the options; a listener whose rate is used up is not accepted from until it has
 *          tokens again, so a flooding peer waits in its own backlog.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

struct err;
struct sockaddr;
struct http_server;
struct http_request;
struct http_stream;

struct http_header {
	const char *name, *value;
};

struct http_server_options {
	unsigned int conns_max; /* connections at once; 0: 64 */
	unsigned int idle_s;	/* a connection with no progress is closed; 0: 15 */
	size_t body_max; /* larger bodies: on_request with http_request_too_large(); 0: 10 MiB */
	unsigned int rate_per_s; /* requests a second for the whole server; 0: no limit */
	unsigned int burst;	 /* requests at once above the rate; 0: = rate_per_s */
	unsigned int
		ip_rate_per_s; /* requests a second for each client IP address; over it: 429; 0: no limit */
	unsigned int ip_burst;	   /* 0: = ip_rate_per_s */
	unsigned int ip_conns_max; /* connections of each client IP address; 0: no limit */
	/* PEM, copied: every connection is TLS 1.2 or 1.3 with these.  NULL: plain HTTP. */
	const char *tls_cert, *tls_key;
	size_t bodies_max; /* request bodies held at once; beyond: as too large; 0: conns_max * body_max */
	unsigned int
		share_percent; /* processor time of the loop's thread it may use; over it, it waits; 0: no limit */
	/*
	 * Unix clients of whom this is not true share strangers_max connections, so that they cannot keep
	 * others out.  NULL: everyone is known.
	 */
	bool (*is_known)(uint32_t uid, void *arg);
	unsigned int strangers_max;
	/* How many connections unix clients of this user may have; 0: as many as there are.  NULL: 0 for all. */
	unsigned int (*conns_max_of)(uint32_t uid, void *arg);
	/* A smaller body_max for this request: method, path and headers are there.  NULL: body_max. */
	size_t (*body_max_of)(const struct http_request *r, void *arg);
	/* On every answer that has none of that name; a NULL name ends them; borrowed.  NULL: none. */
	const struct http_header *headers;
	/* A whole request is there.  Answer now or later, exactly once.  On the loop. */
	void (*on_request)(struct http_request *r, void *arg);
	void *arg;
};

int http_server_start(struct http_server **ret, uv_loop_t *loop,
		      const struct http_server_options *o, struct err *e);

/*
 * Accept on @fd (bound and listening stream socket; taken over in every case).  @peer of @n bytes is
 * copied and given with each request of its connections (http_request_peer); for AF_UNIX listeners
 * SO_PEERCRED of each connection is kept too, for AF_VSOCK the CID.
 */
int http_server_listen(struct http_server *s, int fd, const void *peer, size_t n, struct err *e);

/* Serve a connected stream socket @fd (taken over in every case). */
int http_server_add(struct http_server *s, int fd, const void *peer, size_t n, struct err *e);

/*
 * Drop every connection, then free; @done runs once from the loop.  NULL is allowed for both.  A request
 * that waits for its answer sees its client go away, and may be answered even after @done.
 */
void http_server_stop(struct http_server *s, void (*done)(void *arg), void *arg);

/* Hang up on every client that is being sent a stream, as if it had gone. */
void http_server_drop_streams(struct http_server *s);

/* How many connections are open, how many requests were refused for rate or limit: for metrics. */
unsigned int http_server_n_conns(const struct http_server *s);
uint64_t http_server_n_refused(const struct http_server *s);

/* The request: all borrowed until it is answered. */
const char *http_request_method(const struct http_request *r);
const char *http_request_path(const struct http_request *r);  /* without the query, not decoded */
const char *http_request_query(const struct http_request *r); /* raw; "" if none */
const char *http_request_header(const struct http_request *r, const char *name); /* or NULL */
const void *http_request_body(const struct http_request *r, size_t *ret_n);
bool http_request_too_large(const struct http_request *r); /* body over the limit; body is empty */
const void *http_request_peer(const struct http_request *r); /* what was given with the listener */
/* Take the query to change it in place (shorten it); NULL if there is none. */
char *http_request_edit_query(struct http_request *r);
/* The client's address, or one of family AF_UNSPEC if it has gone. */
const struct sockaddr *http_request_from(const struct http_request *r);
uint32_t http_request_uid(const struct http_request *r); /* AF_UNIX: SO_PEERCRED, else UINT32_MAX */
uint32_t http_request_cid(const struct http_request *r); /* AF_VSOCK: peer CID, else UINT32_MAX */

/* Run @gone if the client goes away before the answer; then the request must still be answered
 * (http_reply is then a no-op that frees it).  For cancelling work. */
void http_request_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg);

/* Answer with a whole body (copied).  @r is gone after.  @headers end with a NULL name; may be NULL. */
void http_reply(struct http_request *r, int status, const char *content_type, const void *body,
		size_t n, const struct http_header *headers);

/**
 * http_reply_stream() - answer with chunks, as they come
 * @drained: run from the loop when what was written has gone out and more may be given; NULL: none
 * @closed:  run once from the loop when the client is gone or after http_stream_end(); the stream is
 *	     invalid after.  Never NULL
 *
 * @r is gone after.
 */
struct http_stream *http_reply_stream(struct http_request *r, int status, const char *content_type,
				      void (*drained)(void *arg), void (*closed)(void *arg),
				      void *arg);

/* Queue bytes (copied).  Return: bytes queued and not yet sent; the caller stops above its own limit. */
size_t http_stream_write(struct http_stream *s, const void *p, size_t n);
void http_stream_end(struct http_stream *s);
