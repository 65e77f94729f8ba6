/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pck: any bytes are Intel's extension or are refused, and nothing but all of them is one
 *
 * Input    the extension's value, DER.
 */
#undef NDEBUG
#include "crypto/pck.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pck a, b;
	uint8_t *longer;

	memset(&a, 0x55, sizeof a);
	memset(&b, 0xaa, sizeof b);
	if (pck_parse(data, n, &a) < 0)
		return 0;
	assert(a.sgx_type <= 2);
	assert(pck_parse(data, n, &b) == 0 && a.pce_svn == b.pce_svn &&
	       memcmp(a.fmspc, b.fmspc, sizeof a.fmspc) == 0 &&
	       memcmp(a.components, b.components, sizeof a.components) == 0 &&
	       memcmp(a.ppid, b.ppid, sizeof a.ppid) == 0);
	assert(pck_parse(data, n - 1, &b) < 0);
	longer = calloc(1, n + 1);
	assert(longer);
	memcpy(longer, data, n);
	assert(pck_parse(longer, n + 1, &b) < 0);
	free(longer);
	return 0;
}
