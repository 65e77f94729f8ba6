/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verifier: attestations verified as the configuration says: roots, collateral, statuses, images
 *
 * Owns     the roots, what is known of certificates, collateral and images.
 * Limits   `verifications` at once; who comes then waits.
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tee/boot_info.h"

struct err;
struct image_shelf;
struct kms_config;
struct peer;
struct verifier;

struct verifier_request {
	const void *attestation;
	size_t n_attestation;
	const void *key; /* DER, that it must be for */
	size_t n_key;
	const char *vm_config; /* "": the attestation's own */
	bool is_booting;
	bool wants_boot_mr; /* then @runtime of the answer has the other one */
};

struct verified {
	struct boot_info boot, runtime;
	struct peer *peer;
};

void verified_deinit(struct verified *v);
#define auto_verified __attribute__((cleanup(verified_deinit)))

/* Borrows @c.  Return: 0; ERR_INPUT, others: a root that cannot be read, or that is Intel's. */
int verifier_new(const struct kms_config *c, struct verifier **ret, struct err *e);
void verifier_free(struct verifier *v);

/* Return: 0 and *@ret; negative with the check that failed and why, in words of ours. */
int verifier_ask(struct verifier *v, const struct verifier_request *q, struct verified *ret,
		 struct err *e);

struct image_shelf *verifier_images(struct verifier *v);
