/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_data: the 64 bytes that bind a quote to what it is asked for
 *
 * Pure.  Quotes that anybody may ask for and quotes that an app asks for have different tags in what is
 * hashed, so that neither passes for the other.
 *
 * Wire     dstack: H(tag ':' content), zeros after it; tags ratls-cert, kms-root-ca, app-data or an app's own.
 *	    Ours: SHA-512("bailey-evidence:" || u8 length of nonce || nonce || DER of the TLS key, if any).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	REPORT_DATA_SIZE = 64,
	REPORT_DATA_NONCE_MIN = 16,
	REPORT_DATA_NONCE_MAX = 64,
	REPORT_DATA_TLS_KEY_MAX = 4096,
};

#define REPORT_DATA_TAG_RATLS  "ratls-cert" /* of a certificate's SubjectPublicKeyInfo */
#define REPORT_DATA_TAG_DOMAIN "zt-cert"    /* the same of one of a gateway's domains */
#define REPORT_DATA_TAG_APP    "app-data"

struct report_data {
	uint8_t b[REPORT_DATA_SIZE];
};

/* What a quote answers that a stranger asked for (Evidence of proto/agent.proto).  All borrowed. */
struct report_data_evidence {
	const void *nonce;
	size_t n_nonce;
	const void *tls_key; /* DER; NULL without TLS */
	size_t n_tls_key;
};

/* Return: 0; ERR_INPUT for a nonce or a key of a size that is not allowed. */
int report_data_of_evidence(const struct report_data_evidence *a, struct report_data *ret,
			    struct err *e);

/**
 * report_data_hashed() - dstack's report data
 * @algorithm: sha256, sha384, sha512, sha3-256, sha3-384, sha3-512, keccak256, keccak384, keccak512 or raw;
 *	       NULL or "": sha512
 * @tag: NULL or "": app-data; raw has none
 *
 * Return: 0; ERR_INPUT "invalid hash algorithm", or "invalid content length" for raw and not 64 bytes.
 */
int report_data_hashed(const char *algorithm, const char *tag, const void *content, size_t n,
		       struct report_data *ret, struct err *e);
