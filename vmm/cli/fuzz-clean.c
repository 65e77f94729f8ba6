/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz clean: the first byte says how the rest is cut into chunks.  What comes out is UTF-8
 * without control bytes but tab and newline, and does not depend on the cuts.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "cli/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf whole = BUF_MAX(1 << 24), cut = BUF_MAX(1 << 24);
	struct clean a = CLEAN_NULL, b = CLEAN_NULL;
	size_t step = size ? (size_t)data[0] + 1 : 1, at, n, i;

	assert(clean_add(&a, data, size, &whole) == 0);
	for (at = 0; at < size; at += n) {
		n = size - at < step ? size - at : step;
		assert(clean_add(&b, data + at, n, &cut) == 0);
	}
	assert(whole.n == cut.n && (whole.n == 0 || memcmp(whole.p, cut.p, cut.n) == 0));
	assert(str_is_utf8(whole.p ? whole.p : (const uint8_t *)"", whole.n));
	for (i = 0; i < whole.n; i++) {
		assert(whole.p[i] >= 0x20 || whole.p[i] == '\t' || whole.p[i] == '\n');
		assert(whole.p[i] != 0x7f);
		assert(whole.p[i] != 0xc2 || whole.p[i + 1] >= 0xa0);
	}
	return 0;
}
