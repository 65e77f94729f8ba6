/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: what a carrier answers to CONNECT.  Property: read in one piece or byte by byte, the verdict is the
 * same; a line that is taken is "OK", a space, digits and a newline.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "host-api/carrier.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	ssize_t whole = carrier_ok_line(p, n);
	ssize_t piece = 0;
	size_t i;

	for (i = 0; i <= n && piece == 0; i++)
		piece = carrier_ok_line(p, i);
	assert(piece == whole);
	assert(whole <= (ssize_t)n && whole <= CARRIER_LINE_MAX);
	if (whole > 0) {
		assert(memcmp(p, "OK ", 3) == 0 && p[whole - 1] == '\n' && whole > 4);
		for (i = 3; i < (size_t)whole - 1; i++)
			assert(p[i] >= '0' && p[i] <= '9');
	}
	return 0;
}
