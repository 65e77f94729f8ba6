/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_wire: the bytes of one HTTP/1.1 request and its answer
 *
 * For sockets that are connected already: the libcurl of Debian 12 cannot speak on those (7.88 calls
 * connect() again after CURL_SOCKOPT_ALREADY_CONNECTED).
 *
 * Trusts   nothing: a pure state machine over whatever pieces come.
 * Limits   a line of HTTP_WIRE_LINE_MAX, a head (with trailers) of HTTP_WIRE_HEAD_MAX, a body of what the
 *	    caller's buffer takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	HTTP_WIRE_LINE_MAX = 8192, /* a PCCS has chains of certificates in one */
	HTTP_WIRE_HEAD_MAX = 32 * 1024,
};

/* The head of a request, to be followed by @n_body bytes.  ERR_INPUT for an URL that is none. */
int http_wire_request(struct buf *ret, const char *method, const char *url,
		      const char *content_type, size_t n_body, struct err *e);

/* Give the head that was just made, and has its end, the header of a bearer token: visible ASCII, or ERR_INPUT. */
int http_wire_bearer(struct buf *head, const char *token, struct err *e);

enum http_wire_state {
	HTTP_WIRE_STATUS,
	HTTP_WIRE_HEADER,
	HTTP_WIRE_BODY_COUNTED,
	HTTP_WIRE_BODY_TO_END,
	HTTP_WIRE_CHUNK_SIZE,
	HTTP_WIRE_CHUNK_DATA,
	HTTP_WIRE_CHUNK_END,
	HTTP_WIRE_TRAILER,
	HTTP_WIRE_DONE,
	HTTP_WIRE_STATE_COUNT,
};

/* Zero-initialise, but for @on_header. */
struct http_wire {
	enum http_wire_state state;
	int status;
	char content_type[128];
	bool has_length, is_chunked;
	uint64_t left; /* of the body or of the chunk */
	size_t n_head, n_line;
	/*
	 * Called with each line of the answer's head, the first one too, without its end; negative ends it with
	 * ERR_PROTO.  NULL: not called.
	 */
	int (*on_header)(const char *line, size_t n, void *arg);
	void *arg;
	char line[HTTP_WIRE_LINE_MAX];
};

/*
 * Take the next @n bytes of the answer; what is body goes to @body.
 *
 * Return: 1 the answer is whole (bytes after it are ignored), 0 more is needed, ERR_PROTO, ERR_LIMIT.
 */
int http_wire_feed(struct http_wire *w, const void *p, size_t n, struct buf *body, struct err *e);

/* The peer has ended its side.  Return: 1 or ERR_PROTO. */
int http_wire_end(struct http_wire *w, struct err *e);
