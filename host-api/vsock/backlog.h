/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backlog: bytes from the guest that a host program has not read yet
 *
 * Owns     one heap block, a ring, made when the first byte must wait.
 * Limits   the capacity, which is the window the guest was promised: who keeps
 *          to its credit always fits.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct backlog {
	uint8_t *p;
	size_t size, head, n; /* n bytes wait, the first at head */
};

/* Release the block; what waited is lost.  Idempotent. */
void backlog_deinit(struct backlog *b);

/**
 * backlog_add() - keep bytes for later
 * @capacity: the block is made, or grown, to this
 *
 * Return: 0, -ENOMEM, or -EMSGSIZE when they do not fit (nothing was added).
 */
int backlog_add(struct backlog *b, size_t capacity, const struct iovec *iov, size_t n_iov);

/**
 * backlog_flush() - write as much as the socket takes
 *
 * Return: how many bytes went; -EPIPE and its like when the socket is dead.  A
 * socket that is full is not an error: what is left says so.
 */
ssize_t backlog_flush(struct backlog *b, int fd);
