/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_write: an X.509 v3 certificate for a P-256 key, signed by another or by itself
 *
 * Pure: no clock; borrows everything.
 * Wire     tee/ratls_cert.h says which conventions and why.  Extensions of our own are not critical, and hold a DER
 *	    OCTET STRING.
 * Limits   CERT_WRITE_EXTENSIONS_MAX extensions; names as below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct p256_key;

enum {
	CERT_WRITE_EXTENSIONS_MAX = 8,
	CERT_WRITE_ALT_NAMES_MAX = 80,
	CERT_WRITE_NAME_MAX = 253,
};

/* Not terminated; p NULL: none. */
struct cert_text {
	const char *p;
	size_t n;
};

struct cert_extension {
	const char *oid;
	const void *p; /* the content of the inner OCTET STRING */
	size_t n;
};

struct cert_write_args {
	struct cert_text common_name, organisation; /* UTF-8 without control characters */
	const struct cert_text *alt_names; /* visible ASCII; an IP address is written as one */
	size_t n_alt_names;
	const void *key; /* SubjectPublicKeyInfo, DER, P-256; NULL: the issuer's */
	size_t n_key;
	const char *issuer_cert; /* PEM, the first counts; NULL: self-signed */
	const struct p256_key *issuer_key;
	bool is_ca;
	unsigned int path_length;
	/*
	 * Of a CA: the only domains, with all below them, that it may sign for, as critical name constraints that leave
	 * out addresses, too; n 0: any.
	 */
	const struct cert_text *permitted;
	size_t n_permitted;
	bool for_server, for_client;
	int64_t not_before, not_after; /* cut to when the issuer ends */
	const struct cert_extension *extensions;
	size_t n_extensions;
};

/* Append the certificate in PEM.  Return: 0; ERR_INPUT says which argument cannot be used; ERR_CRYPTO; as buf_add(). */
int cert_write(const struct cert_write_args *a, struct buf *ret, struct err *e);
