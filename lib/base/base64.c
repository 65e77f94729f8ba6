/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <errno.h>

#include "base/buf.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *ret, const void *p, size_t n)
{
	const uint8_t *in = p;
	size_t i, left;
	uint32_t v;
	char four[4];
	int r;

	for (i = 0; i < n; i += 3) {
		left = n - i;
		v = (uint32_t)in[i] << 16;
		if (left > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			v |= in[i + 2];
		four[0] = letters[v >> 18];
		four[1] = letters[v >> 12 & 63];
		four[2] = '=';
		four[3] = '=';
		if (left > 1)
			four[2] = letters[v >> 6 & 63];
		if (left > 2)
			four[3] = letters[v & 63];
		r = buf_add(ret, four, sizeof(four));
		if (r < 0)
			return r;
	}
	return n ? 0 : buf_add(ret, "", 0);
}

/* The value of a letter, or 64. */
static uint32_t value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	if (c == '+')
		return 62;
	return c == '/' ? 63 : 64;
}

/* How many of the last four characters are padding: 0, 1, 2. */
static size_t padding_of(const char *s, size_t n)
{
	if (n < 4 || s[n - 1] != '=')
		return 0;
	return s[n - 2] == '=' ? 2 : 1;
}

ssize_t base64_decode(uint8_t *dst, const char *s, size_t n)
{
	size_t pad = padding_of(s, n), i, out = 0;
	uint32_t v = 0, one;

	if (n % 4 != 0)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		one = i < n - pad ? value_of(s[i]) : 0;
		if (one > 63)
			return -EINVAL;
		v = v << 6 | one;
		if (i % 4 != 3)
			continue;
		dst[out++] = (uint8_t)(v >> 16);
		dst[out++] = (uint8_t)(v >> 8);
		dst[out++] = (uint8_t)v;
		v &= 0xffffff;
		if (i + 1 < n)
			v = 0;
	}
	/* bits that the padding throws away must be zero */
	if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
		return -EINVAL;
	return (ssize_t)(out - pad);
}
