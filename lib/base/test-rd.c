/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/rd.h"

#include <assert.h>

static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

static void test_both_orders(void)
{
	struct rd r = rd_over(bytes, sizeof(bytes));

	assert(rd_u8(&r) == 1 && rd_le16(&r) == 0x0302 && rd_be16(&r) == 0x0405);
	assert(rd_be32(&r) == 0x06070809 && rd_done(&r));
}

static void test_a_short_read_fails_for_good(void)
{
	struct rd r = rd_over(bytes, 3);

	assert(rd_le32(&r) == 0 && r.failed);
	assert(rd_u8(&r) == 0 && !rd_done(&r) && rd_take(&r, 0) == NULL);
}

static void test_a_huge_length_does_not_wrap(void)
{
	struct rd r = rd_over(bytes, sizeof(bytes));

	assert(rd_take(&r, SIZE_MAX) == NULL && r.failed);
}

static void test_left_over_bytes_are_not_done(void)
{
	struct rd r = rd_over(bytes, sizeof(bytes));
	uint8_t d[8];

	assert(rd_copy(&r, d, 8) && d[7] == 8 && !rd_done(&r) && rd_left(&r) == 1);
	r = rd_over(NULL, 0);
	assert(rd_done(&r));
}

int main(void)
{
	test_both_orders();
	test_a_short_read_fails_for_good();
	test_a_huge_length_does_not_wrap();
	test_left_over_bytes_are_not_done();
	return 0;
}
