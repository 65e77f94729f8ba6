/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-last_words: any console; what is found is printable, and only a panic has a reason. */
#include <assert.h>
#include <stdint.h>

#include "daemon/last_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct last_words_found f;
	size_t i;

	last_words_find(data, n, &f);
	assert(f.what < LAST_WORDS_COUNT);
	assert(f.what == LAST_WORDS_PANIC || !f.text[0]);
	for (i = 0; f.text[i]; i++)
		assert(f.text[i] >= 0x20 && f.text[i] < 0x7f);
	assert(i < sizeof(f.text));
	return 0;
}
