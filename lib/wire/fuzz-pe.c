/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pe: any bytes are a PE file or have a named fault, before and after QEMU wrote into them; ranges are inside
 *
 * Input    a kernel.
 */
#undef NDEBUG
#include "wire/pe.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/bzimage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try(const uint8_t *p, size_t n)
{
	struct pe_ranges r;
	enum pe_verdict v = pe_authenticode(p, n, &r);
	size_t i;

	assert(v < PE_VERDICT_COUNT && pe_verdict_text(v));
	for (i = 0; v == PE_OK && i < r.n; i++) {
		assert(r.p[i].n > 0 && r.p[i].offset < n && r.p[i].n <= n - r.p[i].offset);
	}
	assert(v != PE_OK || (r.n > 0 && r.n <= PE_RANGES_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct bzimage_boot boot = { "quiet", n, UINT64_C(2) << 30 };
	uint8_t *copy = malloc(n ? n : 1);
	enum bzimage_verdict v;

	assert(copy);
	if (n)
		memcpy(copy, data, n);
	try(copy, n);
	v = bzimage_patch(copy, n, &boot);
	assert(v < BZIMAGE_VERDICT_COUNT && bzimage_verdict_text(v));
	try(copy, n);
	free(copy);
	return 0;
}
