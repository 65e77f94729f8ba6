/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn: the bytes of one connection: a request that comes, an answer that leaves
 *
 * Owns     the fd and both messages.  Never waits: who drives it polls the fd.
 * Trusts   nothing it reads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

struct conn {
	int fd; /* not blocking */
	struct buf in;
	size_t want; /* of the body; 0: the head is not there yet */
	struct buf out;
	size_t n_sent;
};

void conn_init(struct conn *c, int fd);
void conn_deinit(struct conn *c);

/* Read what is there.  Return: 1 the request is whole, 0 poll again, -ENODATA: it went without a byte, negative. */
int conn_read(struct conn *c, struct err *e);

/* The quote in the whole request, the caller's; the request is dropped. */
int conn_take(struct conn *c, struct buf *ret, struct err *e);

/* Send what of @out fits.  Return: 1 all is sent, 0 poll again, negative. */
int conn_write(struct conn *c, struct err *e);
