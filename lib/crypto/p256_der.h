/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p256_der: DER of keys and signatures of P-256, byte by byte; for p256
 *
 * Trusts   nothing: a length that is not the shortest, a byte left over, another algorithm are refused.
 * Wire     RFC 5958 and RFC 5915 (private), RFC 5480 (public), RFC 3279 2.2.3 (signature).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/ecdsa.h"
#include "crypto/p256.h"

void p256_der_write_key(const struct secret32 *d, const uint8_t point[static P256_POINT],
			uint8_t ret[static P256_PKCS8]);
void p256_der_write_spki(const uint8_t point[static P256_POINT], uint8_t ret[static P256_SPKI]);

/* Where in @p the 32 bytes of the scalar are and the point, NULL if it is left out. */
bool p256_der_read_key(const void *p, size_t n, const uint8_t **ret_scalar,
		       const uint8_t **ret_point);

/* Where the point is, not checked to be on the curve; NULL if it is no such key. */
const uint8_t *p256_der_read_spki(const void *p, size_t n);

/* As raw numbers; any that fit 32 bytes. */
bool p256_der_read_signature(const void *p, size_t n, uint8_t ret[static ECDSA_P256_SIGNATURE]);
