/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-tunnels: input is what wg(8) prints.  Each line that is read is as long as it must be, and none is read twice. */
#include <assert.h>

#include "base/err.h"
#include "gateway/tunnels.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *at = (const char *)p, *before = at;
	uint8_t key[WG_KEY];
	uint64_t seconds;
	size_t left = n;
	int rc;

	while ((rc = tunnels_next(&at, &left, key, &seconds)) == 1) {
		assert(at - before >= WG_KEY_TEXT + 3 && at[-1] == '\n');
		assert(at + left == (const char *)p + n && seconds <= INT64_MAX);
		before = at;
	}
	assert(rc == ERR_INPUT || left == 0);
	return 0;
}
