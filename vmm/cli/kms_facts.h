/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms_facts: what a KMS says of itself, read and held against its own certificate
 *
 * That an answer does not contradict itself makes nobody the KMS that is meant: whoever pins it knows by another way,
 * such as its attestation, that it is.
 *
 * Wire     GetMeta's answer as JSON (kms.proto).
 * Thread   any; pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "crypto/k256.h"

struct buf;
struct err;

enum { KMS_FACTS_KEY_MAX = 128, KMS_FACTS_GATEWAY_MAX = 128 };

/* What it showed on the connection that answered. */
enum kms_certificate {
	KMS_CERTIFICATE_NONE, /* plain HTTP */
	KMS_CERTIFICATE_OTHER, /* not signed by its root: somebody is between, or it is set up otherwise */
	KMS_CERTIFICATE_OF_ROOT, /* signed by it */
	KMS_CERTIFICATE_COUNT,
};

struct kms_facts {
	uint8_t root
		[KMS_FACTS_KEY_MAX]; /* SubjectPublicKeyInfo of its root certificate: key_provider_id */
	size_t n_root;
	uint8_t signer[K256_PUBLIC];
	bool is_dev;			     /* it says that it is for development */
	char gateway[KMS_FACTS_GATEWAY_MAX]; /* app id of the gateway as it says it; "": none */
	enum kms_certificate certificate;
	bool has_quote; /* in that certificate; not verified */
};

/* @certificate: PEM; empty: none.  Return: 0; ERR_PROTO for what has no form or contradicts itself. */
int kms_facts_read(const json_t *meta, const struct buf *certificate, struct kms_facts *ret,
		   struct err *e);

/* Are they of KMSs with the same root keys? */
bool kms_facts_is_same(const struct kms_facts *a, const struct kms_facts *b);
