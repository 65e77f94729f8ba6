/* SPDX-License-Identifier: Apache-2.0 */
/*
 * k256: keys and signatures of secp256k1, as Ethereum has them
 *
 * Nonces are those of RFC 6979 and s is always low, so a signature is determined by key and hash.
 *
 * Owns     one context of libsecp256k1, made once, blinded with random bytes, never freed.
 * Thread   any: the context is not changed after.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/digest.h"

struct err;

enum {
	K256_PUBLIC = 33,      /* compressed, SEC 1 */
	K256_PUBLIC_LONG = 65, /* uncompressed */
	K256_SIGNATURE = 64,   /* r, s */
	K256_RECOVERABLE = 65, /* r, s, recovery id 0 or 1 (2, 3 are read) */
};

/* A new key. */
void k256_random(struct secret32 *ret);

/* May it be a key: not 0, less than the order? */
bool k256_is_key(const struct secret32 *d);

/* Return: 0, ERR_CRYPTO if @d is no key. */
int k256_public(const struct secret32 *d, uint8_t ret[static K256_PUBLIC], struct err *e);

/* ECDSA over @hash.  Return: 0, ERR_CRYPTO if @d is no key. */
int k256_sign(const struct secret32 *d, const struct digest256 *hash,
	      uint8_t ret[static K256_SIGNATURE], struct err *e);
int k256_sign_recoverable(const struct secret32 *d, const struct digest256 *hash,
			  uint8_t ret[static K256_RECOVERABLE], struct err *e);

/* Who signed?  Return: 0, ERR_INPUT if nobody can have. */
int k256_recover(const uint8_t sig[static K256_RECOVERABLE], const struct digest256 *hash,
		 uint8_t ret[static K256_PUBLIC], struct err *e);

/**
 * k256_verify() - is it a signature of that key over @hash?
 * @key: 33 or 65 bytes
 * @sig: 64 bytes; with a high s it is none
 *
 * Return: 1 or 0; ERR_INPUT "invalid public key" or "invalid signature" for what is no point, or numbers that
 * are 0 or too great.
 */
int k256_verify(const void *key, size_t n_key, const void *sig, size_t n_sig,
		const struct digest256 *hash, struct err *e);

/* The compressed form of a key of 33 or 65 bytes.  Return: 0, ERR_INPUT "invalid public key". */
int k256_compress(const void *key, size_t n_key, uint8_t ret[static K256_PUBLIC], struct err *e);
