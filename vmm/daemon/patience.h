/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patience: how long a VM may take, which grows with its size
 *
 *	base + virtual CPUs x per_vcpu + GiB of memory x per_gib
 *
 * A large guest has more to write back, and a host more memory to take back, before it is gone.
 */
#pragma once

#include <stdint.h>

struct patience {
	uint64_t per_vcpu_ms, per_gib_ms;
};

/* Memory counts by begun GiB. */
uint64_t patience_ms(const struct patience *p, uint64_t base_ms, uint32_t vcpus,
		     uint32_t memory_mib);
