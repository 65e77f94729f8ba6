/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cbor.h"

#include <string.h>

#include "base/buf.h"

/* Major types, and the additional information that says how many bytes of argument follow. */
enum major { MAJOR_UINT = 0, MAJOR_BYTES = 2, MAJOR_TEXT = 3, MAJOR_MAP = 5 };
enum { INFO_BITS = 5, INFO_MASK = 31, ONE_BYTE = 24, EIGHT_BYTES = 27 };

static bool fail(struct rd *r)
{
	r->failed = true;
	return false;
}

static bool head(struct rd *r, enum major want, uint64_t *ret)
{
	uint8_t first = rd_u8(r), info = first & INFO_MASK;
	size_t n;

	if (r->failed || first >> INFO_BITS != (int)want || info > EIGHT_BYTES)
		return fail(r);
	if (info < ONE_BYTE) {
		*ret = info;
		return true;
	}
	n = (size_t)1 << (info - ONE_BYTE);
	*ret = rd_be(r, n);
	/* what fits half the bytes, or the first byte, is to be written so */
	if (r->failed || *ret < ONE_BYTE || (n > 1 && *ret >> (4 * n) == 0))
		return fail(r);
	return true;
}

bool cbor_map(struct rd *r, uint64_t *ret_pairs)
{
	return head(r, MAJOR_MAP, ret_pairs);
}

bool cbor_uint(struct rd *r, uint64_t *ret)
{
	return head(r, MAJOR_UINT, ret);
}

static bool string(struct rd *r, enum major want, struct cbor_bytes *ret)
{
	uint64_t n;

	if (!head(r, want, &n) || n > rd_left(r))
		return fail(r);
	ret->n = (size_t)n;
	ret->p = rd_take(r, ret->n);
	return true;
}

bool cbor_bytes(struct rd *r, struct cbor_bytes *ret)
{
	return string(r, MAJOR_BYTES, ret);
}

bool cbor_text(struct rd *r, struct cbor_bytes *ret)
{
	return string(r, MAJOR_TEXT, ret);
}

static int put_head(struct buf *to, enum major major, uint64_t v)
{
	uint8_t b[9], info = EIGHT_BYTES;
	size_t n = 8, i;

	if (v < ONE_BYTE) {
		b[0] = (uint8_t)((unsigned int)major << INFO_BITS | v);
		return buf_add(to, b, 1);
	}
	while (n > 1 && v >> (4 * n) == 0) {
		n /= 2;
		info--;
	}
	b[0] = (uint8_t)((unsigned int)major << INFO_BITS | info);
	for (i = 0; i < n; i++)
		b[1 + i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return buf_add(to, b, 1 + n);
}

int cbor_put_map(struct buf *to, uint64_t pairs)
{
	return put_head(to, MAJOR_MAP, pairs);
}

int cbor_put_uint(struct buf *to, uint64_t v)
{
	return put_head(to, MAJOR_UINT, v);
}

int cbor_put_bytes(struct buf *to, const void *p, size_t n)
{
	int rc = put_head(to, MAJOR_BYTES, n);

	return rc < 0 ? rc : buf_add(to, p, n);
}

int cbor_put_text(struct buf *to, const char *s)
{
	int rc = put_head(to, MAJOR_TEXT, strlen(s));

	return rc < 0 ? rc : buf_add(to, s, strlen(s));
}
