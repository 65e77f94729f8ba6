/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pccs-chain: any header decodes to text, or does not; text that is encoded whole comes back
 *
 * Input    the value of the header.
 */
#undef NDEBUG
#include "pccs/pccs_chain.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char text[PCCS_CHAIN_MAX], again[PCCS_CHAIN_MAX], encoded[3 * PCCS_CHAIN_MAX + 1];
	ssize_t n_text = pccs_chain_decode((const char *)data, n, text), i;

	if (n_text < 0)
		return 0;
	assert((size_t)n_text <= n && strlen(text) == (size_t)n_text);
	for (i = 0; i < n_text; i++)
		(void)snprintf(encoded + 3 * i, 4, "%%%02x", (unsigned int)text[i]);
	assert(pccs_chain_decode(encoded, 3 * (size_t)n_text, again) == n_text);
	assert(memcmp(text, again, (size_t)n_text + 1) == 0);
	return 0;
}
