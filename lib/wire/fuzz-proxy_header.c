/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-proxy_header: input is what a sender says first.  What is found is within it, and reads the same once written. */
#include <assert.h>
#include <string.h>

#include "wire/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t out[PROXY_HEADER_OUT_MAX];
	struct proxy_header h, again;
	size_t used = 0, written;

	if (proxy_header_parse(p, n, &h, &used) != PROXY_FOUND)
		return 0;
	assert(used > 0 && used <= n && used <= PROXY_HEADER_MAX);
	written = proxy_header_write(&h, out);
	assert(written <= sizeof(out));
	assert(proxy_header_parse(out, written, &again, &used) == PROXY_FOUND && used == written);
	assert(again.version == h.version && again.source_port == h.source_port);
	assert(memcmp(again.source, h.source, sizeof(h.source)) == 0);
	return 0;
}
