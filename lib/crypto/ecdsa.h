/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecdsa: signatures on P-256 with SHA-256, as raw big-endian numbers
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ECDSA_P256_KEY = 64, ECDSA_P256_SIGNATURE = 64 };

/* Is @signature (r, s) one of @key (X, Y) over the @n bytes?  False for a key that is no point. */
bool ecdsa_p256_verify(const uint8_t key[static ECDSA_P256_KEY],
		       const uint8_t signature[static ECDSA_P256_SIGNATURE], const void *p,
		       size_t n);
