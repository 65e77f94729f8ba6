/* SPDX-License-Identifier: Apache-2.0 */
/*
 * derived: single values that stand for several registers, as contracts and allow lists of dstack's keep them
 *
 * Wire     mr_aggregated: SHA-256 of MRTD, RTMR0 to 3 and, if any of the three is not zero, MRCONFIGID, MROWNER and
 *          MROWNERCONFIG.  mr_system: SHA-256 of MRTD, RTMR0 to 2 and the SHA-256 of what the key provider says of
 *          itself, or 32 zeros if it says nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

/* 48 bytes each, borrowed; a quote's own or computed ones. */
struct derived_registers {
	const uint8_t *mrtd, *rtmr[4];
	const uint8_t *mr_config_id, *mr_owner, *mr_owner_config; /* NULL: zeros */
};

struct digest256 derived_aggregated(const struct derived_registers *r);

/* @r->rtmr[3] is not looked at.  @info: the payload of the event key-provider. */
struct digest256 derived_system(const struct derived_registers *r, const void *info, size_t n);
