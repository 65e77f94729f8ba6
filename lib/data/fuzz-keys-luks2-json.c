/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the JSON of a LUKS2 header.  Property: what is taken has its key slot between the header and the data. */
#include <assert.h>

#include "base/err.h"
#include "data/luks2_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint64_t size = 16 * 1024;
	struct luks2_layout at;
	struct err e = ERR_NONE;

	if (luks2_json_check((const char *)p, n, size, &at, &e) < 0) {
		assert((e.code == ERR_INPUT || e.code == ERR_LIMIT) && e.text[0]);
		return 0;
	}
	assert(at.area_offset >= 2 * size && at.area_size >= LUKS2_KEY_AREA_MIN);
	assert(at.area_offset + at.area_size <= LUKS2_DATA_OFFSET);
	return 0;
}
