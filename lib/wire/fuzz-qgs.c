/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-qgs: input is an answer, without its length.  A quote that is found lies in it to its end. */
#include <assert.h>

#include "wire/qgs.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct qgs_answer a;
	enum qgs_verdict v = qgs_parse(p, n, &a);

	assert(qgs_verdict_text(v));
	if (v == QGS_OK)
		assert(a.n_quote > 0 && a.quote >= p && a.quote + a.n_quote == p + n);
	if (v == QGS_REFUSED)
		assert(a.error != 0 && !a.quote);
	return 0;
}
