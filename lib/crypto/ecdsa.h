/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecdsa: signatures on P-256 with SHA-256, as raw big-endian numbers
 *
 * Thread   any; a struct ecdsa_key of its owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ECDSA_P256_KEY = 64, ECDSA_P256_SIGNATURE = 64 };

struct ecdsa_key;

/* A public key (X, Y), ready for many signatures; NULL if it is no point of the curve. */
struct ecdsa_key *ecdsa_key_new(const uint8_t key[static ECDSA_P256_KEY]);
void ecdsa_key_free(struct ecdsa_key *k);

/* Is @signature (r, s) one of @k over the @n bytes? */
bool ecdsa_key_verify(struct ecdsa_key *k, const uint8_t signature[static ECDSA_P256_SIGNATURE],
		      const void *p, size_t n);

/* The same in one call; false for a key that is no point. */
bool ecdsa_p256_verify(const uint8_t key[static ECDSA_P256_KEY],
		       const uint8_t signature[static ECDSA_P256_SIGNATURE], const void *p,
		       size_t n);
