/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-keys-provider-answer: input is a "provider_quote".  What is read is written again to the same bytes. */
#include <assert.h>
#include <string.h>

#include "wire/provider_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf again = BUF_MAX(PROVIDER_ANSWER_MAX);
	struct provider_answer a;

	if (provider_answer_parse(p, n, &a) < 0)
		return 0;
	assert(provider_answer_is(p, n) && n <= PROVIDER_ANSWER_MAX);
	assert(provider_answer_write(a.spki, a.signature, a.n_signature, &again) == 0);
	assert(again.n == n && memcmp(again.p, p, n) == 0);
	return 0;
}
