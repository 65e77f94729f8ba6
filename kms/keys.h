/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: the root keys of a key service, their certificates, and the one file that holds them
 *
 * Owns     everything in a struct kms_keys; kms_keys_wipe() ends it.
 * Invariant the file holds all of it or none: who is interrupted while making, or fetching, keys has none, and the
 *	    next start begins again.
 * Wire     keys.sealed (seal.h): JSON {ca_key, ca_cert, tmp_ca_key, tmp_ca_cert (PEM), k256_key (hex)}.
 * Thread   any; a struct that is in use is not changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/k256.h"
#include "crypto/p256.h"
#include "tee/app_keys.h"

struct err;
struct secret32;

#define KMS_KEYS_FILE "keys.sealed"

struct kms_keys {
	struct app_keys_roots roots;
	struct p256_key ca, tmp_ca;	  /* @ca is of roots.ca */
	char *ca_cert, *tmp_ca_cert;	  /* PEM; NULL: none yet */
	uint8_t k256_public[K256_PUBLIC]; /* of roots.k256 */
	uint8_t ca_spki[P256_SPKI];	  /* what pins this service */
};

void kms_keys_wipe(struct kms_keys *k);
#define auto_kms_keys __attribute__((cleanup(kms_keys_wipe)))

/* New ones, without certificates.  Return: 0, ERR_CRYPTO. */
int kms_keys_random(struct kms_keys *ret, struct err *e);

/* Those of another KMS.  Return: 0; ERR_INPUT for what are no keys. */
int kms_keys_of(const struct p256_key *ca, const struct secret32 *k256,
		const struct p256_key *tmp_ca, struct kms_keys *ret, struct err *e);

/* Certificates that are missing, or end within a year, are made.  Return: 1: some were; 0; negative. */
int kms_keys_certify(struct kms_keys *k, int64_t now, struct err *e);

/* Return: 0, -ENOENT: there are none; ERR_CORRUPT. */
int kms_keys_load(int dirfd, const struct secret32 *seal, struct kms_keys *ret, struct err *e);
int kms_keys_store(int dirfd, const struct secret32 *seal, const struct kms_keys *k, struct err *e);
