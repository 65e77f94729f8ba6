/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-lite: any bytes are a measurement document or have a named fault; one that is read is written as it was, but
 * for the order of its keys
 *
 * Input    the document.
 */
#undef NDEBUG
#include "tee/lite.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint64_t memory[] = { 0, UINT64_C(2) << 30, UINT64_C(1) << 40, UINT64_MAX };
	const struct measure_acpi acpi = { 0 };
	auto_buf struct buf out = BUF_MAX(LITE_DOCUMENT_MAX);
	struct lite_document d, again;
	struct err e = ERR_NONE;
	struct measurement m;
	size_t i;

	if (lite_parse(data, n, &d, &e) < 0) {
		assert(e.text[0] != 0);
		return 0;
	}
	assert(lite_write(&d, &out) == 0 && out.n == n);
	assert(lite_parse(out.p, out.n, &again, &e) == 0 && memcmp(&d, &again, sizeof(d)) == 0);
	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		(void)lite_measure(&d, memory[i], i % 2 == 0, &acpi, &m, &e);
	return 0;
}
