/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-tdvf: any bytes are a firmware or have a named fault; what a section names is inside
 *
 * Input    the end of a firmware file.
 */
#undef NDEBUG
#include "wire/tdvf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum tdvf_verdict v;
	uint64_t pages = 0;
	struct tdvf t;
	size_t i;

	v = tdvf_parse(data, n, &t);
	assert(v < TDVF_VERDICT_COUNT && tdvf_verdict_text(v));
	if (v != TDVF_OK)
		return 0;
	assert(t.n > 0 && t.n <= TDVF_SECTIONS_MAX);
	for (i = 0; i < t.n; i++) {
		const struct tdvf_section *s = &t.sections[i];

		assert(s->address % TDVF_PAGE == 0 && s->size % TDVF_PAGE == 0);
		assert(s->address + s->size >= s->address);
		assert(s->raw_size <= n && s->data_offset <= n - s->raw_size);
		if (s->attributes & TDVF_EXTEND)
			assert(s->raw_size == s->size);
		pages += s->size / TDVF_PAGE;
	}
	assert(pages <= TDVF_PAGES_MAX);
	return 0;
}
