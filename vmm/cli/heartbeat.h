/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heartbeat: take the daemon's own lines out of a followed log
 *
 * A quiet log carries "[vmm heartbeat]" once a minute, so that the daemon notices a reader that
 * is gone.  Only a whole line of it is taken out, wherever the chunks are cut.
 */
#pragma once

#include <stddef.h>

struct buf;

struct heartbeat {
	size_t n_held; /* bytes of the line that are held back, as they might be one */
	int in_line;   /* a line that is none has begun */
};

/* Append what is the log's.  Return: of buf_add(). */
int heartbeat_filter(struct heartbeat *h, const void *p, size_t n, struct buf *ret);

/* The log has ended: append what was held back. */
int heartbeat_end(struct heartbeat *h, struct buf *ret);
