/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void test_copy_and_format_fail_instead_of_cutting(void)
{
	char d[4];

	assert(str_copy(d, sizeof(d), "abc") == 3 && strcmp(d, "abc") == 0);
	assert(str_copy(d, sizeof(d), "abcd") == -ENAMETOOLONG && d[0] == 0);
	assert(str_format(d, sizeof(d), "%d", 123) == 3);
	assert(str_format(d, sizeof(d), "%d", 1234) == -ENAMETOOLONG && d[0] == 0);
}

static void test_prefix_and_suffix(void)
{
	assert(str_starts("abc", "ab") && !str_starts("a", "ab"));
	assert(str_ends("abc", "bc") && !str_ends("c", "bc"));
}

static void test_utf8_is_strict(void)
{
	static const char *const bad[] = { "\xff",	   "\xc0\x80",	       "\xe0\x80\x80",
					   "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
					   "a\x80" };
	size_t i;

	assert(str_is_utf8("", 0) && str_is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(!str_is_utf8(bad[i], strlen(bad[i])));
}

static void test_escape_leaves_nothing_that_moves_a_cursor(void)
{
	static const char hostile[] = "a\x1b[2J\n\\\xc2\x9b\xff\xe2\x82\xac";
	char d[64];

	str_escape(d, sizeof(d), hostile, sizeof(hostile) - 1);
	assert(strcmp(d, "a\\x1b[2J\\x0a\\\\\\xc2\\x9b\\xff\xe2\x82\xac") == 0);
}

static void test_escape_cuts_and_says_so_for_every_size(void)
{
	char src[64], d[64];
	size_t size;

	memset(src, 0x1b, sizeof(src));
	for (size = 1; size <= sizeof(d); size++) {
		memset(d, 'Z', sizeof(d));
		str_escape(d, size, src, sizeof(src));
		assert(strlen(d) < size);
		assert(size < 8 || str_ends(d, "..."));
	}
}

static void test_hex_goes_there_and_back(void)
{
	uint8_t raw[3];
	char hex[7];

	assert(str_unhex(raw, 3, "00aBff") == 0);
	str_hex(hex, raw, 3);
	assert(strcmp(hex, "00abff") == 0);
	assert(str_unhex(raw, 3, "00abf") == -EINVAL && str_unhex(raw, 3, "00abfg") == -EINVAL);
	assert(str_unhex(raw, 3, "0x00ab") == -EINVAL);
}

int main(void)
{
	test_copy_and_format_fail_instead_of_cutting();
	test_prefix_and_suffix();
	test_utf8_is_strict();
	test_escape_leaves_nothing_that_moves_a_cursor();
	test_escape_cuts_and_says_so_for_every_size();
	test_hex_goes_there_and_back();
	return 0;
}
