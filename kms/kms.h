/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms: a key service that has its keys: what its calls share
 *
 * Owns     all of it.  After kms_open() only counters and what locks itself changes.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kms/audit_log.h"
#include "kms/keys.h"
#include "tee/boot_info.h"

struct authoriser;
struct buf;
struct err;
struct kms_config;
struct verifier;

struct kms {
	const struct kms_config *config;
	int state; /* fd of the folder */
	struct kms_keys keys;
	char *rpc_cert, *rpc_key; /* PEM: chain, PKCS#8 */
	struct verifier *verifier;
	struct authoriser *authoriser;
	struct audit_log audit;
	bool has_audit, has_self;
	struct boot_info self; /* of our own attestation */
	uint8_t *bootstrap;    /* attestation of the bootstrap; NULL: none */
	size_t n_bootstrap;
	_Atomic uint64_t n_attested, n_failed;
};

/*
 * All but the keys, which may not be there yet.  Makes the state folder if need be.
 * Return: 0 or negative; kms_close() in both cases.
 */
int kms_open(struct kms *k, const struct kms_config *c, struct err *e);

/* The keys, if there are some.  Return: 1; 0: there are none; negative: they cannot be read. */
int kms_load(struct kms *k, struct err *e);

/* Certificates renewed, our own made with a fresh attestation, that one verified.  Return: 0 or negative. */
int kms_prepare(struct kms *k, struct err *e);

/* An attestation of this guest for @key, and what it says of us.  Return: 0 or negative. */
int kms_attest(const struct kms *k, const struct p256_key *key, struct buf *ret, struct err *e);
int kms_know_self(struct kms *k, const struct p256_key *key, const struct buf *attestation,
		  struct err *e);

/* May this very KMS use its keys?  Asked each time.  Return: 0, negative with why not. */
int kms_check_self(struct kms *k, struct err *e);

void kms_close(struct kms *k);
