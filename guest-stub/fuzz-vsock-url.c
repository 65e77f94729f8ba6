/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-vsock-url: input is a URL; what parses has a path that is safe in a request line */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "guest-stub/vsock_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_free char *url = strndup((const char *)p, n);
	struct vsock_url u;

	if (!url || vsock_url_parse(url, &u, NULL) < 0)
		return 0;
	assert(u.path[0] == 0 || u.path[0] == '/');
	assert(!strpbrk(u.path, " \r\n\t?#%"));
	assert(u.port != UINT32_MAX);
	return 0;
}
