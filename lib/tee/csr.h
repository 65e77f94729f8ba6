/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csr: the request for a certificate that dstack's guests send to a KMS (SignCert)
 *
 * Pure.  Borrows the bytes it reads.
 * Trusts   nothing.  csr_check() proves that the asker has the key; what the attestation in it is worth
 *	    is for who verifies that.
 * Wire     SCALE: confirm text "please sign cert:", key (SubjectPublicKeyInfo, DER), organisation (optional),
 *	    subject, alternative names, flags.  Version 1 then has quote and event log (JSON), version 2
 *	    not before and not after (optional u64, seconds since 1970) and an attestation up to the end.
 *	    The signature is ECDSA on P-256 with SHA-256, in DER, by that key, over all of it.
 * Limits   those of the enum.  Texts are UTF-8 without control characters, and not terminated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct p256_key;

#define CSR_CONFIRM "please sign cert:"

enum {
	CSR_SIZE_MAX = 10 * 1024 * 1024 + 64 * 1024, /* an attestation of its largest size fits */
	CSR_KEY_MAX = 1024,
	CSR_TEXT_MAX = 253, /* subject and organisation */
	CSR_ALT_NAMES_MAX = 64,
	CSR_ALT_NAME_MAX = 253,
	CSR_SIGNATURE_MAX = 80,
};

enum csr_version { CSR_V1 = 1, CSR_V2 = 2 }; /* SignCertRequest.api_version */

struct csr_bytes {
	const uint8_t *p;
	size_t n;
};

struct csr {
	enum csr_version version;
	struct csr_bytes confirm, key, subject;
	bool has_organisation;
	struct csr_bytes organisation;
	size_t n_alt_names;
	struct csr_bytes alt_names[CSR_ALT_NAMES_MAX];
	bool wants_server_auth, wants_client_auth;
	bool wants_quote;    /* the attestation is to be in the certificate */
	bool wants_app_info; /* V2 only, as what follows */
	bool has_not_before, has_not_after;
	uint64_t not_before, not_after;
	struct csr_bytes attestation;
	struct csr_bytes quote, event_log; /* V1 only */
};

/* Only the form.  Return: 0 and *@ret; ERR_PROTO "Failed to parse csr: ...". */
int csr_parse(enum csr_version version, const void *p, size_t n, struct csr *ret, struct err *e);

/*
 * csr_check() - parse, and prove that the asker has the key and means to ask for a certificate
 * @signature: DER
 *
 * Return: 0 and *@ret; ERR_PROTO "Failed to parse csr: ...", "Failed to verify csr signature: Invalid signature",
 * "Invalid confirm word", as dstack says it.
 */
int csr_check(enum csr_version version, const void *p, size_t n, const void *signature,
	      size_t n_signature, struct csr *ret, struct err *e);

/* Append the request in the form of @c->version; its confirm text is CSR_CONFIRM if none is given. */
int csr_write(const struct csr *c, struct buf *ret, struct err *e);

/* Append the signature of @key over a request that was written. */
int csr_sign(const void *p, size_t n, const struct p256_key *key, struct buf *ret, struct err *e);
