/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratls_cert: certificates with dstack's extensions, as guests, a KMS and simulators of both make them
 *
 * Borrows  everything that it is given.
 * Wire     guest and KMS agree on: X.509 v3, P-256, ecdsa-with-SHA256, names in UTF8String (O, then CN); serial of
 *	    20 bytes out of a SHA-256 (dstack: of the key; here: of all that is signed, so that a renewed
 *	    certificate has another); extensions alternative names, key usage (critical), extended key usage, of a CA
 *	    subject key identifier and basic constraints (critical), then .3, .9, .4, .8 of 1.3.6.1.4.1.62397.1, each
 *	    a DER OCTET STRING in the extension's own.  Beyond dstack's an authority key identifier first, as
 *	    strict verifiers (OpenSSL's -x509_strict, Python from 3.13) refuse a chain without.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_info;
struct buf;
struct err;
struct p256_key;
struct report_data;

enum { RATLS_CERT_ALT_NAMES_MAX = 80, RATLS_CERT_PEM_MAX = 2 * 1024 * 1024 };

/* How dstack begins and ends a certificate where nothing is said. */
#define RATLS_CERT_FROM_1975 INT64_C(157766400)
#define RATLS_CERT_LIFE_S    (INT64_C(3650) * 86400)
#define RATLS_CERT_CLOCK_SLACK_S                                                                   \
	INT64_C(86400) /* for clocks that are behind: not_before = now - this */

#define RATLS_USAGE_KMS_RPC    "kms:rpc"
#define RATLS_USAGE_APP_CA     "app:ca"
#define RATLS_USAGE_APP_CUSTOM "app:custom"

/* Common names of dstack's. */
#define RATLS_CN_TEMP	  "RA-TLS TEMP Cert"
#define RATLS_CN_APP_ROOT "App Root Cert"

/* A text that need not be terminated; NULL: none. */
struct ratls_cert_text {
	const char *p;
	size_t n;
};

struct ratls_cert_args {
	struct ratls_cert_text common_name, organisation;
	const struct ratls_cert_text
		*alt_names; /* one that reads as an IP address becomes one; "*.x" is allowed */
	size_t n_alt_names;
	const void *
		key; /* the subject's, SubjectPublicKeyInfo in DER, P-256; NULL: the issuer's (self-signed) */
	size_t n_key;
	const char *issuer_cert;	   /* PEM, the first of it counts; NULL: self-signed */
	const struct p256_key *issuer_key; /* of the subject if self-signed */
	bool is_ca;
	unsigned int path_length;      /* of a CA: how many CAs may follow */
	bool for_server, for_client;   /* extended key usage */
	int64_t not_before, not_after; /* seconds since 1970; not_after is cut to the issuer's */
	const void *app_id;	       /* .3; n 0: none */
	size_t n_app_id;
	const char *usage; /* .4: RATLS_USAGE_...; NULL: none */
	const void
		*attestation; /* .8: as evidence_attestation() gives it; stripped here; n 0: none */
	size_t n_attestation;
	const struct app_info *app_info; /* .9; NULL: none */
};

/**
 * ratls_cert_make() - one certificate
 * @ret: its PEM is appended
 *
 * Return: 0; ERR_INPUT for names, keys or dates that cannot be used (the text says which), ERR_CRYPTO.
 */
int ratls_cert_make(const struct ratls_cert_args *a, struct buf *ret, struct err *e);

/*
 * The report data that binds a quote to a certificate: SHA-512("ratls-cert:" || key), the key as
 * SubjectPublicKeyInfo in DER.
 */
void ratls_cert_report_data(const void *key, size_t n_key, struct report_data *ret);

/* Does @report_data (64 bytes, of a verified quote) bind it to @key?  In constant time. */
bool ratls_cert_is_bound(const uint8_t *report_data, const void *key, size_t n_key);
