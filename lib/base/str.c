/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n >= size) {
		dst[0] = 0;
		return -ENAMETOOLONG;
	}
	memcpy(dst, src, n + 1);
	return (int)n;
}

int str_format(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, size, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size) {
		dst[0] = 0;
		return -ENAMETOOLONG;
	}
	return n;
}

bool str_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* Length of the UTF-8 sequence at @p (of @n bytes), its code point in *@cp; 0 if invalid. */
static size_t utf8_one(const uint8_t *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	*cp = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3fu);
	}
	if (*cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return len;
}

bool str_is_utf8(const void *p, size_t n)
{
	const uint8_t *at = p;
	uint32_t cp;
	size_t len;

	while (n > 0) {
		len = utf8_one(at, n, &cp);
		if (len == 0)
			return false;
		at += len;
		n -= len;
	}
	return true;
}

const char *str_escape(char *dst, size_t size, const void *src, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = src;
	size_t used = 0, len, add;
	uint32_t cp = 0;
	char one[8];

	while (n > 0) {
		len = utf8_one(at, n, &cp);
		if (len == 1 && cp == '\\') {
			one[0] = '\\';
			one[1] = '\\';
			add = 2;
		} else if ((len == 1 && cp >= 0x20 && cp < 0x7f) || (len > 1 && cp > 0x9f)) {
			memcpy(one, at, len);
			add = len;
		} else {
			len = 1;
			one[0] = '\\';
			one[1] = 'x';
			one[2] = digits[at[0] >> 4];
			one[3] = digits[at[0] & 15];
			add = 4;
		}
		if (used + add + 4 > size)
			break;
		memcpy(dst + used, one, add);
		used += add;
		at += len;
		n -= len;
	}
	if (n > 0 && used + 4 <= size) {
		memcpy(dst + used, "...", 3);
		used += 3;
	}
	if (size)
		dst[used] = 0;
	return dst;
}

void str_hex(char *dst, const void *src, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = src;
	size_t i;

	for (i = 0; i < n; i++) {
		dst[2 * i] = digits[p[i] >> 4];
		dst[2 * i + 1] = digits[p[i] & 15];
	}
	dst[2 * n] = 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int str_unhex(void *dst, size_t n, const char *hex)
{
	uint8_t *p = dst;
	size_t i;
	int hi, lo;

	if (strlen(hex) != 2 * n)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		hi = nibble(hex[2 * i]);
		lo = nibble(hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}
