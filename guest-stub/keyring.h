/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring: the keys that the agent derives from those of its app, and signs with
 *
 * Owns     what .appkeys.json held; keys that are derived live as long as a call.
 * Borrows  nothing.
 * Thread   any once it is loaded: it does not change.
 * Wire     dstack's GetKey: the key is HKDF of the app's k256 key with the path as info, the same bytes for both kinds
 *	    of key, whatever the purpose; the chain is the app's signature over purpose and public key
 *	    (tee/app_keys.h), then the KMS's over the app's key, "" where there was none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/ed25519.h"
#include "crypto/k256.h"
#include "data/app_keys_file.h"

struct err;
struct p256_key;
struct report_data;

#define KEYRING_FILE ".appkeys.json"

/* The path and the purpose of the one key that Sign uses and GetAttestationForAppKey vouches for. */
#define KEYRING_SIGNING_PATH	"vms"
#define KEYRING_SIGNING_PURPOSE "signing"

enum keyring_kind { KEYRING_SECP256K1, KEYRING_ED25519, KEYRING_KIND_COUNT };

struct keyring {
	bool has_keys; /* false: this boot left none */
	struct app_keys_file file;
};

/* A derived key, for keyring_key_wipe(). */
struct keyring_key {
	enum keyring_kind kind;
	struct secret32 d;
	uint8_t public[K256_PUBLIC];
	size_t n_public;		     /* 33 or 32 */
	uint8_t signature[K256_RECOVERABLE]; /* the first link of its chain */
};

/* Read KEYRING_FILE of the directory.  Return: 0, also if there is none; what is wrong with it. */
int keyring_load(int dirfd, struct keyring *ret, struct err *e);

/* Return: 0; ERR_MISSING without keys, as the functions below. */
int keyring_need(const struct keyring *k, struct err *e);

/**
 * keyring_derive() - the key of a path
 *
 * Return: 0; ERR_MISSING without keys; ERR_CRYPTO for a path whose bytes are no key, one in 2^128.
 */
int keyring_derive(const struct keyring *k, enum keyring_kind kind, const char *path,
		   const char *purpose, struct keyring_key *ret, struct err *e);
void keyring_key_wipe(struct keyring_key *k);
#define auto_keyring_key __attribute__((cleanup(keyring_key_wipe)))

/* The older DeriveKey: P-256 of a path.  Return: as keyring_derive(). */
int keyring_derive_p256(const struct keyring *k, const char *path, struct p256_key *ret,
			struct err *e);

/**
 * keyring_sign() - with a derived key, in the forms of dstack's Sign
 * @is_digest: KEYRING_SECP256K1 only: @p is what is signed, 32 bytes; else SHA-256 of it is
 *
 * Return: 0; ERR_INPUT "Pre-hashed signing requires a 32-byte digest, but received N bytes"; ERR_CRYPTO.
 */
int keyring_sign(const struct keyring_key *k, bool is_digest, const void *p, size_t n,
		 uint8_t ret[static K256_SIGNATURE], struct err *e);

/* "dip1::ed25519-pk:" or "dip1::secp256k1c-pk:" and the public key in base64url: what names it in a quote. */
void keyring_report_data(const struct keyring_key *k, struct report_data *ret);
