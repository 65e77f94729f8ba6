/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rd: a cursor over hostile bytes
 *
 * Each read compares what remains with what is wanted, never adds to a
 * pointer first.  Once a read fails the cursor stays failed, so a parser may
 * read a whole header and check once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *p, *end;
	bool failed;
};

static inline struct rd rd_over(const void *p, size_t n)
{
	const uint8_t *at = p;

	return (struct rd){ .p = at, .end = n ? at + n : at };
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

/* The next @n bytes, borrowed; NULL and failed if there are fewer. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
	const uint8_t *at = r->p;

	if (r->failed || rd_left(r) < n) {
		r->failed = true;
		return NULL;
	}
	r->p += n;
	return at;
}

static inline bool rd_copy(struct rd *r, void *dst, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	if (p && n)
		memcpy(dst, p, n);
	return p != NULL;
}

static inline uint64_t rd_le(struct rd *r, size_t n)
{
	const uint8_t *p = rd_take(r, n);
	uint64_t v = 0;
	size_t i;

	for (i = 0; p && i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline uint64_t rd_be(struct rd *r, size_t n)
{
	const uint8_t *p = rd_take(r, n);
	uint64_t v = 0;
	size_t i;

	for (i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

#define rd_u8(r)   ((uint8_t)rd_le(r, 1))
#define rd_le16(r) ((uint16_t)rd_le(r, 2))
#define rd_le32(r) ((uint32_t)rd_le(r, 4))
#define rd_le64(r) rd_le(r, 8)
#define rd_be16(r) ((uint16_t)rd_be(r, 2))
#define rd_be32(r) ((uint32_t)rd_be(r, 4))

/* Did everything succeed, with no byte left over? */
static inline bool rd_done(const struct rd *r)
{
	return !r->failed && r->p == r->end;
}
