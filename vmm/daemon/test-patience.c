/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines grow with the VM, and do not wrap. */
#include "daemon/patience.h"

#include <assert.h>

int main(void)
{
	const struct patience p = { .per_vcpu_ms = 500, .per_gib_ms = 250 };
	const struct patience most = { .per_vcpu_ms = 60000, .per_gib_ms = 60000 };

	assert(patience_ms(&p, 30000, 1, 512) == 30000 + 500 + 250);
	assert(patience_ms(&p, 30000, 64, 256 * 1024) == 30000 + 32000 + 64000);
	assert(patience_ms(&p, 0, 0, 1025) == 500);
	assert(patience_ms(&most, 86400000, UINT32_MAX, UINT32_MAX) ==
	       86400000 + 60000ULL * UINT32_MAX + 60000ULL * 4194304);
	return 0;
}
