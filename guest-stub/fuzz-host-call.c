/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-host-call: input is the start of a reply; more of it never makes a refusal good, nor moves a status */
#include <assert.h>
#include <stdint.h>

#include "base/err.h"
#include "guest-stub/host_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int was = 0, is;
	size_t i;

	for (i = 0; i <= n && i < 32; i++) {
		is = host_call_status(p, i);
		assert(is == ERR_PROTO || is == 0 || (is >= 100 && is <= 599));
		assert(was == 0 || is == was);
		was = is;
	}
	return 0;
}
