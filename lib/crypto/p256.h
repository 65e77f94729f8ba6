/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p256: private keys of NIST P-256: made, read, written, used
 *
 * Owns     nothing on the heap: a struct p256_key is a value; p256_key_wipe() ends it.
 * Thread   any.
 * Trusts   nothing of what it reads: one form each, no byte left over, the public half must be that of the private.
 * Wire     PKCS#8 (RFC 5958, version 0) around RFC 5915 with the public key, 138 bytes, exactly those that dstack
 *	    hashes into its disk keys; SubjectPublicKeyInfo (RFC 5480) with an uncompressed point, 91 bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct buf;
struct err;
struct evp_pkey_st;

enum {
	P256_POINT = 65, /* 04, X, Y */
	P256_PKCS8 = 138,
	P256_SPKI = 91,
	P256_PEM_MAX = 512,	 /* of a PKCS#8 in PEM that we write; it has 241 */
	P256_READ_MAX = 4096,	 /* of a key that we read, DER or PEM */
	P256_SIGNATURE_MAX = 72, /* of a signature, DER */
};

struct p256_key {
	struct secret32 d; /* the scalar, big-endian */
	uint8_t point[P256_POINT];
};

void p256_key_wipe(struct p256_key *k);
#define auto_p256_key __attribute__((cleanup(p256_key_wipe)))

/* A new one.  Return: 0, ERR_CRYPTO. */
int p256_key_random(struct p256_key *ret, struct err *e);

/* Return: 0; ERR_CRYPTO if the scalar is 0 or not less than the order. */
int p256_key_from_scalar(const struct secret32 *d, struct p256_key *ret, struct err *e);

/* PKCS#8, with or without its public half.  Return: 0, ERR_INPUT. */
int p256_key_from_der(const void *p, size_t n, struct p256_key *ret, struct err *e);

/* The same in PEM ("PRIVATE KEY"); what wants a password is refused, nobody is asked.  Return: 0, ERR_INPUT. */
int p256_key_from_pem(const char *text, size_t n, struct p256_key *ret, struct err *e);

void p256_key_der(const struct p256_key *k, uint8_t ret[static P256_PKCS8]);

/* PKCS#8 in PEM, in lines of 64, the last one ended; the caller ends it with secret_str_free().  Never NULL. */
char *p256_key_pem(const struct p256_key *k);

/* The same key as OpenSSL's, for EVP_PKEY_free(); NULL without memory. */
struct evp_pkey_st *p256_key_evp(const struct p256_key *k);

/* SubjectPublicKeyInfo of the public half. */
void p256_key_spki(const struct p256_key *k, uint8_t ret[static P256_SPKI]);

/* The point out of a SubjectPublicKeyInfo of the one form above.  Return: 0; ERR_INPUT, also off the curve. */
int p256_spki_read(const void *p, size_t n, uint8_t ret[static P256_POINT], struct err *e);

/* ECDSA with SHA-256 over the @n bytes, DER.  Return: how many bytes, ERR_CRYPTO. */
int p256_sign(const struct p256_key *k, const void *p, size_t n,
	      uint8_t ret[static P256_SIGNATURE_MAX], struct err *e);

/* Is @sig (DER) a signature of the key in @spki over the @n bytes?  Whatever is malformed is none. */
bool p256_verify(const void *spki, size_t n_spki, const void *sig, size_t n_sig, const void *p,
		 size_t n);
