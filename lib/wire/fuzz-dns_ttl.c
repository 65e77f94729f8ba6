/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dns_ttl: input is an answer of DNS.  The time is within its bounds. */
#include <assert.h>

#include "wire/dns_ttl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint32_t ttl = dns_least_ttl_ms(p, n, 1000, 3600000);

	assert(ttl >= 1000 && ttl <= 3600000);
	return 0;
}
