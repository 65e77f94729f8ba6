/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-luks2: input is one copy of a header; a first byte says which.  What is taken has its size, its JSON within
 * it, and is the same as the copy alone.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/luks2.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	/* a header is long and mostly zeros: these follow the input */
	auto_free uint8_t *room = xcalloc(1, n + LUKS2_SIZE_MIN);
	struct luks2 h, again;
	struct err e = ERR_NONE;
	unsigned int copy;

	if (n == 0)
		return 0;
	copy = p[0] & 1;
	memcpy(room, p + 1, n - 1);
	if (luks2_parse(room, n + LUKS2_SIZE_MIN, copy, &h, &e) < 0) {
		assert(e.code == ERR_PROTO && e.text[0]);
		return 0;
	}
	assert(h.size <= n + LUKS2_SIZE_MIN && h.n_json < h.size - LUKS2_BINARY_SIZE);
	assert(h.json == (const char *)room + LUKS2_BINARY_SIZE);
	assert(luks2_parse(room, (size_t)h.size, copy, &again, &e) == 0 &&
	       again.n_json == h.n_json);
	assert(luks2_parse(room, (size_t)h.size, !copy, &again, &e) < 0);
	return 0;
}
