/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keccak: the hash of Ethereum and of dstack's config ids, which is SHA-3 with the padding of before the standard
 *
 * OpenSSL has it from 3.2 on; Debian 12 has 3.0.
 *
 * Wire     Keccak[c = 2 * size] with padding 10*1; the permutation is that of FIPS 202, section 3.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

/* @size: 32, 48 or 64 bytes of output. */
void keccak_of(const struct digest_part *parts, size_t n_parts, uint8_t *ret, size_t size);

struct digest256 keccak256_of(const struct digest_part *parts, size_t n_parts);
