/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the JSON of a guest's GetSealingKey.  Property: what is taken is within its limit, and is taken
 * again, the same, when it is written as plain hex.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "wire/key_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf text = BUF_MAX(4 << 20);
	struct buf a, b;
	char *hex;

	if (key_frame_quote(p, n, &a, NULL) < 0)
		return 0;
	assert(a.n <= KEY_FRAME_QUOTE_MAX && a.n <= n / 2);
	hex = xcalloc(a.n + 1, 2);
	str_hex(hex, a.p ? a.p : (const uint8_t *)"", a.n);
	assert(buf_addf(&text, "{\"quote\":\"%s\"}", hex) == 0);
	assert(key_frame_quote(text.p, text.n, &b, NULL) == 0);
	assert(a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
	buf_deinit(&a);
	buf_deinit(&b);
	buf_deinit(&text);
	free(hex);
	return 0;
}
