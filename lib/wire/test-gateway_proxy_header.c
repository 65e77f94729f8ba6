/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/proxy_header.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

static const uint8_t v2_inet[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0,	 0x0d, 0x0a, 'Q', 'U', 'I',
				   'T',	 0x0a, 0x21, 0x11, 0,	 12,   192,  0,	  2,   1,
				   198,	 51,   100,  7,	   0x30, 0x39, 1,    0xbb };

static enum proxy_verdict parse(const void *p, size_t n, struct proxy_header *h, size_t *used)
{
	auto_free void *copy = xmemdup(p, n);

	return proxy_header_parse(copy, n, h, used);
}

static void line(const char *text, enum proxy_verdict v)
{
	struct proxy_header h;
	size_t used = 0;

	assert(parse(text, strlen(text), &h, &used) == v);
	assert(v != PROXY_FOUND || (used <= strlen(text) && text[used - 1] == '\n'));
}

static void same_again(const void *p, size_t n)
{
	uint8_t out[PROXY_HEADER_OUT_MAX];
	struct proxy_header h;
	size_t used = 0;

	assert(parse(p, n, &h, &used) == PROXY_FOUND && used == n);
	assert(proxy_header_write(&h, out) == n && memcmp(out, p, n) == 0);
}

static void test_lines_are_read_and_written(void)
{
	static const char *const lines[] = {
		"PROXY TCP4 192.0.2.1 198.51.100.7 12345 443\r\n",
		"PROXY TCP6 2001:db8::1 ::1 65535 0\r\n",
		"PROXY UNKNOWN\r\n",
	};
	struct proxy_header h;
	size_t used = 0, i, n;

	for (i = 0; i < 3; i++) {
		same_again(lines[i], strlen(lines[i]));
		for (n = 0; n < strlen(lines[i]); n++)
			assert(parse(lines[i], n, &h, &used) == PROXY_MORE);
	}
	assert(parse("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nrest", 36, &h, &used) == PROXY_FOUND &&
	       used == 32);
	assert(h.version == 1 && h.family == PROXY_INET && h.source[0] == 1 && h.target[3] == 8);
	assert(h.source_port == 1 && h.target_port == 2);
	line("PROXY UNKNOWN ffff:: what ever\r\n", PROXY_FOUND);
}

static void test_lines_that_are_refused(void)
{
	line("PROXY\r\n", PROXY_REFUSED);
	line("PROXY \r\n", PROXY_REFUSED);
	line("PROXX TCP4", PROXY_REFUSED);
	line("Px", PROXY_REFUSED);
	line("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", PROXY_REFUSED);
	line("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", PROXY_REFUSED);
	line("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", PROXY_REFUSED);
	line("PROXY TCP4 ::1 ::1 1 2\r\n", PROXY_REFUSED);
	line("PROXY TCP6 1.2.3.4 ::1 1 2\r\n", PROXY_REFUSED);
	line("\x16\x03\x01", PROXY_REFUSED);
}

static void test_lines_end_at_107_bytes(void)
{
	char text[] = "PROXY UNKNOWN                                                               "
		      "                "
		      "             \r\n ";
	struct proxy_header h;
	size_t used = 0;

	assert(strlen(text) == PROXY_HEADER_V1_MAX + 1);
	assert(parse(text, PROXY_HEADER_V1_MAX, &h, &used) == PROXY_FOUND &&
	       used == PROXY_HEADER_V1_MAX);
	text[PROXY_HEADER_V1_MAX - 2] = ' ';
	text[PROXY_HEADER_V1_MAX - 1] = '\r';
	text[PROXY_HEADER_V1_MAX] = '\n';
	assert(parse(text, PROXY_HEADER_V1_MAX + 1, &h, &used) == PROXY_REFUSED);
	assert(parse("PROXY \0\r\n", 9, &h, &used) == PROXY_REFUSED);
}

static void with(size_t at, uint8_t value, enum proxy_verdict v)
{
	uint8_t p[sizeof(v2_inet)];
	struct proxy_header h;
	size_t used = 0;

	memcpy(p, v2_inet, sizeof(p));
	p[at] = value;
	assert(parse(p, sizeof(p), &h, &used) == v);
}

static void test_binary_is_read_and_written(void)
{
	uint8_t out[PROXY_HEADER_OUT_MAX], long_one[PROXY_HEADER_MAX] = { 0 };
	struct proxy_header h, unspec = { .version = 2 };
	size_t used = 0, n;

	same_again(v2_inet, sizeof(v2_inet));
	for (n = 0; n < sizeof(v2_inet); n++)
		assert(parse(v2_inet, n, &h, &used) == PROXY_MORE);
	assert(proxy_header_write(&unspec, out) == 16 && out[12] == 0x21 && out[13] == 0 &&
	       out[15] == 0);
	same_again(out, 16);
	/* IPv6, and TLVs, which are not passed on */
	memcpy(long_one, v2_inet, 16);
	long_one[13] = 0x21;
	long_one[14] = (PROXY_HEADER_MAX - 16) >> 8;
	long_one[15] = (PROXY_HEADER_MAX - 16) & 255;
	long_one[16] = 0x20;
	assert(parse(long_one, sizeof(long_one), &h, &used) == PROXY_FOUND &&
	       used == sizeof(long_one));
	assert(h.family == PROXY_INET6 && h.source[0] == 0x20 && proxy_header_write(&h, out) == 52);
	long_one[15]++; /* one more than 2048 */
	assert(parse(long_one, sizeof(long_one), &h, &used) == PROXY_REFUSED);
	long_one[13] = 0x31;
	long_one[15]--;
	assert(parse(long_one, sizeof(long_one), &h, &used) == PROXY_FOUND &&
	       h.family == PROXY_UNIX);
	assert(proxy_header_write(&h, out) == 16);
}

static void test_binary_that_lies_is_refused(void)
{
	with(0, 'P' + 1, PROXY_REFUSED);
	with(11, 0, PROXY_REFUSED);
	with(12, 0x11, PROXY_REFUSED); /* version 1 */
	with(12, 0x22, PROXY_REFUSED); /* no such command */
	with(13, 0x41, PROXY_REFUSED); /* no such family */
	with(13, 0x13, PROXY_REFUSED); /* no such transport */
	with(14, 0x80, PROXY_REFUSED); /* 32 KiB */
	with(15, 11, PROXY_REFUSED);   /* addresses do not fit */
	with(13, 0x21, PROXY_REFUSED); /* nor do those of IPv6 */
	with(15, 13, PROXY_MORE);
	with(12, 0x20, PROXY_FOUND);
}

int main(void)
{
	test_lines_are_read_and_written();
	test_lines_that_are_refused();
	test_lines_end_at_107_bytes();
	test_binary_is_read_and_written();
	test_binary_that_lies_is_refused();
	return 0;
}
