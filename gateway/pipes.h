/* SPDX-License-Identifier: Apache-2.0 */
/* pipes: for splice(2); lent by a pool of the loop to a connection while bytes are in them */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PIPES_KEPT = 32, PIPE_SIZE = 512 * 1024 };

struct pipe_pair {
	struct pipe_pair *next;
	int in, out;	/* write to in, read from out */
	size_t n, size; /* bytes in it, and how many fit */
};

struct pipe_pool {
	struct pipe_pair *free;
	uint32_t n;
};

/* Empty; NULL: no descriptors. */
struct pipe_pair *pipe_take(struct pipe_pool *p);

/* One that is not empty is closed.  NULL is allowed. */
void pipe_give(struct pipe_pool *p, struct pipe_pair *pair);
void pipe_pool_deinit(struct pipe_pool *p);
