/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-csr: any bytes are a request or are refused; what is read is within its limits and comes back the same
 *
 * Input    the version in the first byte (odd: 1), then the request.
 */
#undef NDEBUG
#include "tee/csr.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf out = BUF_MAX(CSR_SIZE_MAX);
	struct csr c;
	size_t i;

	if (n == 0 || csr_parse(data[0] & 1 ? CSR_V1 : CSR_V2, data + 1, n - 1, &c, NULL) < 0)
		return 0;
	assert(c.key.n <= CSR_KEY_MAX && c.subject.n <= CSR_TEXT_MAX);
	assert(c.n_alt_names <= CSR_ALT_NAMES_MAX);
	for (i = 0; i < c.n_alt_names; i++)
		assert(c.alt_names[i].n <= CSR_ALT_NAME_MAX);
	assert(csr_write(&c, &out, NULL) == 0);
	assert(out.n == n - 1 && memcmp(out.p, data + 1, out.n) == 0);
	assert(csr_check(c.version, data + 1, n - 1, "", 0, &c, NULL) < 0);
	return 0;
}
