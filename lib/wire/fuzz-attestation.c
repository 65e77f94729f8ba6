/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-attestation: input is an attestation of either form
 *
 * What is read of V0 is written again byte for byte.  What is read of V1 may have had other forms; it is
 * written, read and written again to the same bytes.  What is stripped can be written, too.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "wire/attestation.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct attestation one, two;

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf a = BUF_MAX(4 * ATTESTATION_SIZE_MAX), b = a, c = a;
	enum attestation_verdict v = attestation_parse(p, n, &one);

	assert(attestation_verdict_text(v));
	if (v != ATTESTATION_OK)
		return 0;
	assert(attestation_write(&one, one.form, &a) == 0);
	if (one.form == ATTESTATION_V0) {
		assert(a.n == n && memcmp(a.p, p, n) == 0);
	} else if (a.n <= ATTESTATION_SIZE_MAX) {
		assert(attestation_parse(a.p, a.n, &two) == ATTESTATION_OK);
		assert(attestation_write(&two, two.form, &b) == 0);
		assert(a.n == b.n && memcmp(a.p, b.p, b.n) == 0);
	}
	attestation_strip(&one);
	assert(attestation_write(&one, attestation_form_of(&one), &c) == 0);
	return 0;
}
