/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/msgpack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/rd.h"

/* First bytes whose value follows, big-endian, or whose length does. */
static const struct form {
	uint8_t first;
	enum msgpack_type type;
	uint8_t n; /* bytes of the number that follows */
} forms[] = {
	{ 0xcc, MSGPACK_UINT, 1 }, { 0xcd, MSGPACK_UINT, 2 },  { 0xce, MSGPACK_UINT, 4 },
	{ 0xcf, MSGPACK_UINT, 8 }, { 0xd9, MSGPACK_STR, 1 },   { 0xda, MSGPACK_STR, 2 },
	{ 0xdb, MSGPACK_STR, 4 },  { 0xc4, MSGPACK_BIN, 1 },   { 0xc5, MSGPACK_BIN, 2 },
	{ 0xc6, MSGPACK_BIN, 4 },  { 0xdc, MSGPACK_ARRAY, 2 }, { 0xdd, MSGPACK_ARRAY, 4 },
	{ 0xde, MSGPACK_MAP, 2 },  { 0xdf, MSGPACK_MAP, 4 },   { 0xc0, MSGPACK_NIL, 0 },
	{ 0xc2, MSGPACK_BOOL, 0 }, { 0xc3, MSGPACK_BOOL, 0 },
};

/* Type and number of the first byte and what belongs to it. */
static struct msgpack head(struct rd *r)
{
	uint8_t first = rd_u8(r);
	size_t i;

	if (r->failed)
		return (struct msgpack){ .type = MSGPACK_BROKEN };
	if (first < 0x80)
		return (struct msgpack){ MSGPACK_UINT, first, NULL };
	if (first < 0x90)
		return (struct msgpack){ MSGPACK_MAP, first & 0x0f, NULL };
	if (first < 0xa0)
		return (struct msgpack){ MSGPACK_ARRAY, first & 0x0f, NULL };
	if (first < 0xc0)
		return (struct msgpack){ MSGPACK_STR, first & 0x1f, NULL };
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (forms[i].first == first) {
			return (struct msgpack){ forms[i].type,
						 forms[i].n ? rd_be(r, forms[i].n) : first & 1,
						 NULL };
		}
	}
	return (struct msgpack){ .type = MSGPACK_BROKEN };
}

struct msgpack msgpack_next(struct rd *r)
{
	struct msgpack t = head(r);

	if (t.type == MSGPACK_STR || t.type == MSGPACK_BIN)
		t.p = rd_take(r, t.n);
	if (t.type == MSGPACK_BROKEN)
		r->failed = true;
	if (r->failed)
		t = (struct msgpack){ .type = MSGPACK_BROKEN };
	return t;
}

static int add_be(struct buf *b, uint8_t first, uint64_t v, size_t n)
{
	uint8_t bytes[9] = { first };
	size_t i;

	for (i = 0; i < n; i++)
		bytes[1 + i] = (uint8_t)(v >> 8 * (n - 1 - i));
	return buf_add(b, bytes, 1 + n);
}

/* A length below @n_fix goes into the first byte with @fix; longer ones follow it (@first1: 0: no such form). */
static int add_length(struct buf *b, size_t n, size_t n_fix, uint8_t fix, uint8_t first1,
		      uint8_t first2)
{
	if (n < n_fix)
		return add_be(b, (uint8_t)(fix | n), 0, 0);
	if (first1 && n <= UINT8_MAX)
		return add_be(b, first1, n, 1);
	if (n <= UINT16_MAX)
		return add_be(b, first2, n, 2);
	return n <= UINT32_MAX ? add_be(b, (uint8_t)(first2 + 1), n, 4) : -EMSGSIZE;
}

int msgpack_add_nil(struct buf *b)
{
	return add_be(b, 0xc0, 0, 0);
}

int msgpack_add_uint(struct buf *b, uint64_t v)
{
	if (v < 0x80)
		return add_be(b, (uint8_t)v, 0, 0);
	if (v <= UINT8_MAX)
		return add_be(b, 0xcc, v, 1);
	if (v <= UINT16_MAX)
		return add_be(b, 0xcd, v, 2);
	return v <= UINT32_MAX ? add_be(b, 0xce, v, 4) : add_be(b, 0xcf, v, 8);
}

int msgpack_add_str(struct buf *b, const void *p, size_t n)
{
	int r = add_length(b, n, 32, 0xa0, 0xd9, 0xda);

	return r ? r : buf_add(b, p, n);
}

int msgpack_add_bin(struct buf *b, const void *p, size_t n)
{
	int r = add_length(b, n, 0, 0, 0xc4, 0xc5);

	return r ? r : buf_add(b, p, n);
}

int msgpack_add_array(struct buf *b, size_t n)
{
	return add_length(b, n, 16, 0x90, 0, 0xdc);
}

int msgpack_add_map(struct buf *b, size_t n)
{
	return add_length(b, n, 16, 0x80, 0, 0xde);
}

int msgpack_add_text(struct buf *b, const char *s)
{
	return msgpack_add_str(b, s, strlen(s));
}
