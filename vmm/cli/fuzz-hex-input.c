/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-hex-input: text of hex becomes at most half its length, anything else stays; bytes that came out
 * of hex and are written as hex come out again
 *
 * Input    what a file holds.
 */
#undef NDEBUG
#include "cli/input.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf b = BUF_MAX(n + 1), again = BUF_MAX(2 * n + 1);

	assert(buf_add(&b, data, n) == 0);
	input_unhex(&b);
	if (b.n == n) {
		assert(n == 0 || memcmp(b.p, data, n) == 0);
		return 0;
	}
	assert(b.n > 0 && b.n <= n / 2);
	assert(buf_reserve(&again, 2 * b.n + 1) == 0);
	str_hex((char *)again.p, b.p, b.n);
	again.n = 2 * b.n;
	input_unhex(&again);
	assert(again.n == b.n && memcmp(again.p, b.p, b.n) == 0);
	return 0;
}
