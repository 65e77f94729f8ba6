/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/cbor.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"

static bool number(const char *p, size_t n, uint64_t *ret)
{
	struct rd r = rd_over(p, n);
	bool ok = cbor_uint(&r, ret);

	assert(ok == !r.failed);
	return ok && rd_done(&r);
}

/* RFC 8949, appendix A. */
static void test_numbers_are_those_of_the_rfc(void)
{
	uint64_t v;

	assert(number("\x00", 1, &v) && v == 0);
	assert(number("\x17", 1, &v) && v == 23);
	assert(number("\x18\x18", 2, &v) && v == 24);
	assert(number("\x18\xff", 2, &v) && v == 255);
	assert(number("\x19\x03\xe8", 3, &v) && v == 1000);
	assert(number("\x1a\x00\x0f\x42\x40", 5, &v) && v == 1000000);
	assert(number("\x1b\xff\xff\xff\xff\xff\xff\xff\xff", 9, &v) && v == UINT64_MAX);
}

static void test_other_forms_and_kinds_are_refused(void)
{
	uint64_t v;

	assert(!number("", 0, &v));
	assert(!number("\x18\x17", 2, &v));			/* fits the first byte */
	assert(!number("\x19\x00\xff", 3, &v));			/* fits one */
	assert(!number("\x1a\x00\x00\xff\xff", 5, &v));		/* fits two */
	assert(!number("\x1b\0\0\0\0\xff\xff\xff\xff", 9, &v)); /* fits four */
	assert(!number("\x18", 1, &v) && !number("\x1b\xff\xff\xff\xff\xff\xff\xff", 8, &v));
	assert(!number("\x1c", 1, &v) && !number("\x1f", 1, &v)); /* reserved, indefinite */
	assert(!number("\x20", 1, &v) && !number("\x40", 1, &v)); /* negative, bytes */
	assert(!number("\xf6", 1, &v));				  /* null */
}

static void test_strings_lie_inside(void)
{
	struct cbor_bytes b;
	struct rd r = rd_over("\x43"
			      "abc\x61z",
			      6);

	assert(cbor_bytes(&r, &b) && b.n == 3 && memcmp(b.p, "abc", 3) == 0);
	assert(cbor_text(&r, &b) && b.n == 1 && *b.p == 'z' && rd_done(&r));
	r = rd_over("\x44"
		    "abc",
		    4);
	assert(!cbor_bytes(&r, &b) && r.failed);
	r = rd_over("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"
		    "abc",
		    12);
	assert(!cbor_bytes(&r, &b) && !cbor_text(&r, &b));
	r = rd_over("\x5f\x41"
		    "a\xff",
		    4); /* in pieces */
	assert(!cbor_bytes(&r, &b));
	r = rd_over("\x40", 1);
	assert(cbor_bytes(&r, &b) && b.n == 0);
}

static void test_what_is_written_is_read(void)
{
	static const uint64_t numbers[] = {
		0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX
	};
	auto_buf struct buf b = BUF_MAX(256);
	uint64_t v;
	struct rd r;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert(cbor_put_uint(&b, numbers[i]) == 0 && cbor_put_map(&b, numbers[i]) == 0);
	r = rd_over(b.p, b.n);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert(cbor_uint(&r, &v) && v == numbers[i]);
		assert(cbor_map(&r, &v) && v == numbers[i]);
	}
	assert(rd_done(&r));
}

int main(void)
{
	test_numbers_are_those_of_the_rfc();
	test_other_forms_and_kinds_are_refused();
	test_strings_lie_inside();
	test_what_is_written_is_read();
	return 0;
}
