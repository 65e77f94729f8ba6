/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/patience.h"

uint64_t patience_ms(const struct patience *p, uint64_t base_ms, uint32_t vcpus,
		     uint32_t memory_mib)
{
	uint64_t gib = ((uint64_t)memory_mib + 1023) / 1024;

	return base_ms + vcpus * p->per_vcpu_ms + gib * p->per_gib_ms;
}
