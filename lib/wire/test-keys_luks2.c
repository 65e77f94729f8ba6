/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/luks2.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum { SIZE = LUKS2_SIZE_MIN };

static uint8_t copy[2 * SIZE];

/* The bytes of a text without its NUL. */
static void lay(size_t at, const void *p, size_t n)
{
	memcpy(copy + at, p, n);
}

static void put_be(size_t at, uint64_t v, size_t n)
{
	while (n-- > 0) {
		copy[at + n] = (uint8_t)v;
		v >>= 8;
	}
}

/* A header of the copy @i, by the specification's table. */
static void make(unsigned int i)
{
	memset(copy, 0, sizeof(copy));
	lay(0, i ? "SKUL\xba\xbe" : "LUKS\xba\xbe", 6);
	put_be(6, 2, 2);
	put_be(8, SIZE, 8);
	put_be(16, 3, 8);
	lay(72, "sha256", 6);
	memset(copy + 104, 0x5a, 64);
	lay(168, "71a7fada-1c3f-4763-ad1b-f0f204549696", 36);
	put_be(256, (uint64_t)i * SIZE, 8);
	memset(copy + 448, 0x77, LUKS2_SUM_SIZE);
	lay(4096, "{}", 2);
}

static void test_both_copies_are_read(void)
{
	struct luks2 h;
	struct err e = ERR_NONE;
	uint64_t size = 0;
	unsigned int i;

	for (i = 0; i < LUKS2_COPIES; i++) {
		make(i);
		assert(luks2_parse(copy, SIZE, i, &h, &e) == 0);
		assert(h.size == SIZE && h.sequence == 3 && h.n_json == 2 && h.json[0] == '{');
		assert(h.sum == copy + LUKS2_SUM_AT && h.sum[0] == 0x77);
		assert(luks2_size(copy, i, &size, &e) == 0 && size == SIZE);
		/* what is behind the copy is not its own */
		assert(luks2_parse(copy, sizeof(copy), i, &h, &e) == 0 && h.size == SIZE);
	}
}

static void refused(unsigned int i, size_t n, const char *why)
{
	struct luks2 h = { .size = 0 };
	struct err e = ERR_NONE;
	int r = luks2_parse(copy, n, i, &h, &e);

	if (r != ERR_PROTO || !strstr(e.text, why))
		(void)fprintf(stderr, "got %d: %s\nexpected: %s\n", r, e.text, why);
	assert(r == ERR_PROTO && strstr(e.text, why) && h.size == 0);
}

static void byte_refused(size_t at, uint8_t value, const char *why)
{
	unsigned int i;

	for (i = 0; i < LUKS2_COPIES; i++) {
		make(i);
		copy[at] = value;
		refused(i, SIZE, why);
	}
}

static void test_each_field_is_held_to_its_rule(void)
{
	byte_refused(0, 'X', "the magic is not LUKS's");
	byte_refused(5, 0, "the magic is not LUKS's");
	byte_refused(7, 1, "the version is not 2");
	byte_refused(6, 1, "the version is not 2");
	byte_refused(24, 'a', "it has a label");
	byte_refused(71, 'a', "it has a label");
	byte_refused(72, 'S', "the checksum algorithm is not sha256");
	byte_refused(79, 'x', "the checksum algorithm is not sha256");
	byte_refused(103, 'x', "the checksum algorithm is not sha256");
	byte_refused(168, 'Z', "the UUID is not hex digits and dashes");
	byte_refused(170, '/', "the UUID is not hex digits and dashes");
	byte_refused(207, 'a', "the UUID is not hex digits and dashes");
	byte_refused(168, 0, "the UUID is not hex digits and dashes");
	byte_refused(208, 'a', "it has a subsystem");
	byte_refused(255, 'a', "it has a subsystem");
	byte_refused(263, 1, "it says that it is elsewhere");
	byte_refused(264, 1, "the padding is not zeros");
	byte_refused(447, 1, "the padding is not zeros");
	byte_refused(480, 1, "the padding is not zeros");
	byte_refused(511, 1, "the padding is not zeros");
	byte_refused(512, 1, "the padding is not zeros");
	byte_refused(4095, 1, "the padding is not zeros");
	byte_refused(4099, 1, "something is behind the JSON");
	byte_refused(SIZE - 1, 1, "something is behind the JSON");
}

static void test_a_copy_in_the_others_place_is_refused(void)
{
	make(0);
	refused(1, SIZE, "the magic is not LUKS's");
	make(1);
	refused(0, SIZE, "the magic is not LUKS's");
	lay(0, "LUKS\xba\xbe", 6);
	refused(0, SIZE, "it says that it is elsewhere");
}

static void test_sizes(void)
{
	static const uint64_t wrong[] = { 0,
					  4096,
					  8192,
					  SIZE - 1,
					  SIZE + 1,
					  3 * SIZE,
					  LUKS2_SIZE_MAX + 1,
					  2 * (uint64_t)LUKS2_SIZE_MAX,
					  UINT64_MAX };
	uint64_t size = 7;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		make(0);
		put_be(8, wrong[i], 8);
		refused(0, SIZE, "the size is not a power of two");
		assert(luks2_size(copy, 0, &size, &e) == ERR_PROTO && size == 7);
	}
	make(0);
	put_be(8, LUKS2_SIZE_MAX, 8);
	refused(0, SIZE, "it is cut short");
	make(0);
	refused(0, SIZE - 1, "it is cut short");
	refused(0, LUKS2_BINARY_SIZE - 1, "it is cut short");
	refused(0, 0, "it is cut short");
}

static void test_json_must_end(void)
{
	make(0);
	memset(copy + LUKS2_BINARY_SIZE, ' ', SIZE - LUKS2_BINARY_SIZE);
	refused(0, SIZE, "the JSON does not end");
}

int main(void)
{
	test_both_copies_are_read();
	test_each_field_is_held_to_its_rule();
	test_a_copy_in_the_others_place_is_refused();
	test_sizes();
	test_json_must_end();
	return 0;
}
