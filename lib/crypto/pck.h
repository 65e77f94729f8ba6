/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pck: what Intel's SGX extension of a PCK certificate says of a platform
 *
 * Wire     OID 1.2.840.113741.1.13.1, DER.  Pure: no allocation, no crypto.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PCK_EXTENSION_OID "1.2.840.113741.1.13.1"

struct pck {
	uint8_t ppid[16];
	uint8_t components[16]; /* SVNs */
	uint16_t pce_svn;
	uint8_t cpu_svn[16];
	uint8_t pce_id[2];
	uint8_t fmspc[6];
	uint8_t sgx_type;
};

/* Return: 0, or -EINVAL for what is not strict DER, doubled, missing or out of range. */
int pck_parse(const void *der, size_t n, struct pck *ret);
