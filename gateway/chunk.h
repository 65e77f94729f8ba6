/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chunk: bytes that wait because their taker does not take them; lent by a pool of the loop, and given back when gone
 *
 * Limits   four sizes; CHUNK_KEPT of each are kept for later, the rest is freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	CHUNK_SMALL = 2048 - 16,
	CHUNK_MIDDLE = 20 * 1024,
	CHUNK_BIG = 64 * 1024,
	CHUNK_LARGE = 144 * 1024,
	CHUNK_SIZES = 4,
	CHUNK_KEPT = 64
};

struct chunk {
	struct chunk *next; /* in the pool */
	uint32_t at, end;   /* what waits is bytes[at..end) */
	uint32_t cap;
	uint8_t size_class;
	uint8_t bytes[];
};

struct chunk_pool {
	struct chunk *free[CHUNK_SIZES];
	uint32_t n[CHUNK_SIZES];
};

static inline size_t chunk_left(const struct chunk *c)
{
	return c->end - c->at;
}

/* One that takes @n bytes; NULL: more than CHUNK_LARGE, or no memory. */
struct chunk *chunk_take(struct chunk_pool *p, size_t n);

/* NULL is allowed. */
void chunk_give(struct chunk_pool *p, struct chunk *c);

/* Add to *@c, which may be NULL and may become another.  Return: 0, -ENOBUFS beyond CHUNK_LARGE, -ENOMEM. */
int chunk_add(struct chunk_pool *p, struct chunk **c, const void *bytes, size_t n);

void chunk_pool_deinit(struct chunk_pool *p);
