/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/num.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

static void test_only_digits_are_a_number(void)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1e3", "\t1" };
	uint64_t v = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(num_parse_u64(bad[i], 0, UINT64_MAX, &v) == -EINVAL && v == 7);
}

static void test_range_is_inclusive_and_nothing_wraps(void)
{
	uint64_t v;
	uint32_t w;

	assert(num_parse_u64("18446744073709551615", 0, UINT64_MAX, &v) == 0 && v == UINT64_MAX);
	assert(num_parse_u64("18446744073709551616", 0, UINT64_MAX, &v) == -ERANGE);
	assert(num_parse_u32("4294967296", 0, UINT32_MAX, &w) == -ERANGE);
	assert(num_parse_u32("5", 5, 5, &w) == 0 && w == 5);
	assert(num_parse_u32("4", 5, 6, &w) == -ERANGE && num_parse_u32("7", 5, 6, &w) == -ERANGE);
}

static void test_sizes(void)
{
	uint64_t v;

	assert(num_parse_size("2G", 0, UINT64_MAX, &v) == 0 && v == 2ull << 30);
	assert(num_parse_size("512m", 0, UINT64_MAX, &v) == 0 && v == 512ull << 20);
	assert(num_parse_size("1", 0, UINT64_MAX, &v) == 0 && v == 1);
	assert(num_parse_size("2GB", 0, UINT64_MAX, &v) == -EINVAL);
	assert(num_parse_size("G", 0, UINT64_MAX, &v) == -EINVAL);
	assert(num_parse_size("99999999T", 0, UINT64_MAX, &v) == -ERANGE);
}

int main(void)
{
	test_only_digits_are_a_number();
	test_range_is_inclusive_and_nothing_wraps();
	test_sizes();
	return 0;
}
