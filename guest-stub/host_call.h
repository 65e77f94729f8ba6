/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_call: one POST to the host's API; of most calls only the status matters
 *
 * A client of some hundred lines and not lib/loop's: libcurl would bring two dozen libraries into every
 * guest's measured image, to send a line and read a number.
 *
 * Trusts   nothing: at most HOST_CALL_REPLY_MAX bytes, or what the caller's buffer takes, are read, until one
 *	    deadline.
 * Wire     POST <path>/<Method>?json HTTP/1.1, Content-Length, no Content-Type, Connection: close.
 */
#pragma once

#include <stddef.h>

struct buf;
struct err;
struct vsock_url;

enum { HOST_CALL_REPLY_MAX = 4096 };

/* What to say.  All borrowed. */
struct host_call {
	const struct vsock_url *url;
	const char *method;
	const void *body;
	size_t n;
	unsigned int timeout_ms; /* for connecting, and again for the rest */
};

/* Connect and call.  Return: 0 and the status; negative if there was no answer. */
int host_call_run(const struct host_call *c, int *ret_status, struct err *e);

/* The same over a connected stream socket @fd (borrowed, made non-blocking). */
int host_call_over(const struct host_call *c, int fd, int *ret_status, struct err *e);

/*
 * The same two for a call whose answer is wanted: its body is appended to @body, within its max.
 * Return: also ERR_LIMIT for a longer one, ERR_PROTO for one that is cut off.
 */
int host_call_read(const struct host_call *c, int *ret_status, struct buf *body, struct err *e);
int host_call_read_over(const struct host_call *c, int fd, int *ret_status, struct buf *body,
			struct err *e);

/* The status out of the start of a reply.  Return: 100..599, 0 if more bytes are needed, or ERR_PROTO. */
int host_call_status(const void *p, size_t n);
