/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what `wg show IFACE dump` prints.  Property: what is refused leaves no key behind. */
#include <assert.h>
#include <stdint.h>

#include "base/err.h"
#include "guest-stub/gateway_iface.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct gateway_dump d;
	struct err e = ERR_NONE;

	if (gateway_iface_read_dump((const char *)p, n, &d, &e) == 0)
		assert(d.n <= GATEWAY_SERVERS_MAX);
	else
		assert(!d.has_key && secret_is_zero(&d.key, sizeof(d.key)) && e.text[0]);
	return 0;
}
