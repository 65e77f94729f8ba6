/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_keys: every key of an app, out of a seed or out of the roots of a KMS; and what is signed about them
 *
 * A root gives the same keys at any time and on any machine: two KMS with the same roots are one.
 *
 * Owns     nothing on the heap; each struct with keys has a wipe.
 * Thread   any.
 * Wire     dstack's derivations: HKDF with salt "RATLS" (crypto/kdf.h); of a P-256 key k the "DH secret" is SHA-256
 *	    of its PKCS#8.  Signatures are over Keccak-256, recoverable (crypto/k256.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/k256.h"
#include "crypto/p256.h"
#include "crypto/x25519.h"

struct err;

enum { APP_KEYS_ID = 20 /* of an app or instance */ };

/* What a KMS has: two keys. */
struct app_keys_roots {
	struct secret32 ca; /* P-256, of the root certificate */
	struct secret32 k256;
};

void app_keys_roots_wipe(struct app_keys_roots *r);
#define auto_app_keys_roots __attribute__((cleanup(app_keys_roots_wipe)))

/* What an instance has. */
struct app_keys {
	struct secret32 disk;
	struct secret32 env; /* X25519, not clamped; only if has_env */
	struct secret32 k256;
	uint8_t k256_signature[K256_RECOVERABLE]; /* of the root over app_keys_issued_hash() */
	struct p256_key ca;			  /* signs certificates of the app */
	bool has_env, has_signature;		  /* from a KMS both; from a seed neither */
};

void app_keys_wipe(struct app_keys *k);
#define auto_app_keys __attribute__((cleanup(app_keys_wipe)))

/* --- derivation ------------------------------------------------------------------------------ */

/* The key of an app, for no provider (a random seed), local and TPM.  Return: 0, ERR_CRYPTO. */
int app_keys_from_seed(const struct secret32 *seed, struct app_keys *ret, struct err *e);

/**
 * app_keys_from_roots() - what a KMS gives an instance
 * @app_id: of the verified attestation, as is @instance_id
 * @n_instance: 20, or 0 for an app without instance ids
 *
 * Return: 0, ERR_CRYPTO.
 */
int app_keys_from_roots(const struct app_keys_roots *roots,
			const uint8_t app_id[static APP_KEYS_ID], const uint8_t *instance_id,
			size_t n_instance, struct app_keys *ret, struct err *e);

/* Single ones of those.  Return: 0, ERR_CRYPTO. */
int app_keys_root_env(const struct app_keys_roots *roots, const uint8_t app_id[static APP_KEYS_ID],
		      struct secret32 *ret, struct err *e);
int app_keys_root_ca(const struct app_keys_roots *roots, const uint8_t app_id[static APP_KEYS_ID],
		     struct p256_key *ret, struct err *e);

/* P-256 key of HKDF(root, parts); SHA-256 of its PKCS#8.  Return: 0, ERR_CRYPTO. */
int app_keys_p256(const struct secret32 *root, const struct digest_part *parts, size_t n_parts,
		  struct p256_key *ret, struct err *e);
int app_keys_dh_secret(const struct secret32 *root, const struct digest_part *parts, size_t n_parts,
		       struct secret32 *ret, struct err *e);

/* --- signed messages ------------------------------------------------------------------------- */

/* "dstack-kms-issued:", app id, the app's compressed k256 key: k256_signature is over it. */
struct digest256 app_keys_issued_hash(const uint8_t app_id[static APP_KEYS_ID],
				      const uint8_t key[static K256_PUBLIC]);

/*
 * "dstack-env-encrypt-pubkey:", app id, [seconds since 1970, eight bytes, big-endian,] X25519 key.
 * @seconds: NULL for the old form, which has none
 */
struct digest256 app_keys_env_hash(const uint8_t app_id[static APP_KEYS_ID],
				   const uint64_t *seconds,
				   const uint8_t key[static X25519_PUBLIC]);

/* Purpose, ":", the derived public key in hex: the first link of the chain that GetKey answers with. */
struct digest256 app_keys_purpose_hash(const void *purpose, size_t n_purpose, const uint8_t *key,
				       size_t n_key);

/* Who signed app_keys_issued_hash() of the key?  Return: 0 and the root's public key; ERR_INPUT. */
int app_keys_issuer(const uint8_t app_id[static APP_KEYS_ID], const uint8_t key[static K256_PUBLIC],
		    const uint8_t sig[static K256_RECOVERABLE], uint8_t ret[static K256_PUBLIC],
		    struct err *e);
