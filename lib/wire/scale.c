/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/scale.h"

#include <errno.h>

#include "base/buf.h"
#include "base/rd.h"

/* The two low bits, and what must not fit into less. */
enum { ONE, TWO, FOUR, BIG };

uint32_t scale_compact(struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint32_t v = first >> 2;
	bool is_short = false;

	switch (first & 3) {
	case ONE:
		return v;
	case TWO:
		v |= (uint32_t)rd_u8(r) << 6;
		is_short = v < 1U << 6;
		break;
	case FOUR:
		v |= (uint32_t)rd_le(r, 3) << 6;
		is_short = v < 1U << 14;
		break;
	default: /* BIG: over any limit of ours */
		is_short = true;
		break;
	}
	if (is_short)
		r->failed = true;
	return r->failed ? 0 : v;
}

const uint8_t *scale_bytes(struct rd *r, size_t *ret_n)
{
	*ret_n = scale_compact(r);
	return rd_take(r, *ret_n);
}

bool scale_bool(struct rd *r)
{
	uint8_t v = rd_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1 && !r->failed;
}

static int add_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t bytes[sizeof(v)];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(v >> 8 * i);
	return buf_add(b, bytes, n);
}

int scale_add_compact(struct buf *b, size_t v)
{
	if (v > SCALE_COMPACT_MAX)
		return -EMSGSIZE;
	if (v < 1U << 6)
		return add_le(b, (uint32_t)v << 2 | ONE, 1);
	if (v < 1U << 14)
		return add_le(b, (uint32_t)v << 2 | TWO, 2);
	return add_le(b, (uint32_t)v << 2 | FOUR, 4);
}

int scale_add_bytes(struct buf *b, const void *p, size_t n)
{
	int r = scale_add_compact(b, n);

	return r ? r : buf_add(b, p, n);
}

int scale_add_le32(struct buf *b, uint32_t v)
{
	return add_le(b, v, sizeof(v));
}

int scale_add_le64(struct buf *b, uint64_t v)
{
	return add_le(b, v, sizeof(v));
}

int scale_add_bool(struct buf *b, bool v)
{
	return add_le(b, v, 1);
}
