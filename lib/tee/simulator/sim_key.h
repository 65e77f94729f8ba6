/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_key: the P-256 keys of a seed, and what they sign
 *
 * Owns     nothing; keys are the caller's, freed with EVP_PKEY_free().
 * Thread   any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/ecdsa.h"

/* The key of @label; the same for the same seed.  Never NULL. */
EVP_PKEY *sim_key_new(const uint8_t seed[static 32], const char *label);

/* X, then Y. */
void sim_key_public(const EVP_PKEY *key, uint8_t ret[static ECDSA_P256_KEY]);

/* Sign with SHA-256: r, then s. */
void sim_key_sign(EVP_PKEY *key, const void *p, size_t n, uint8_t ret[static ECDSA_P256_SIGNATURE]);
void sim_key_sign_cert(EVP_PKEY *key, X509 *x);
void sim_key_sign_crl(EVP_PKEY *key, X509_CRL *x);
