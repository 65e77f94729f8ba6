/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509: certificates, chains and revocation lists of attestation: P-256 and SHA-256 only
 *
 * Trusts   only the root that the caller gives.
 * Limits   X509_CHAIN_MAX certificates a chain, X509_TEXT_MAX bytes of input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/ecdsa.h"
#include "crypto/pck.h"

struct err;
struct x509_cert;
struct x509_crl;

enum { X509_CHAIN_MAX = 4, X509_TEXT_MAX = 4 * 1024 * 1024 };

struct x509_chain {
	struct x509_cert *certs[X509_CHAIN_MAX]; /* leaf first, root last */
	size_t n;
};

enum x509_fault {
	X509_GOOD,
	X509_WRONG_LENGTH,    /* not as many certificates as wanted */
	X509_WRONG_ROOT,      /* its last has not the name and key of the root given */
	X509_WRONG_ISSUER,    /* one does not name the next as its issuer */
	X509_WRONG_SIGNATURE, /* one is not signed by the next */
	X509_WRONG_USAGE, /* a CA that is none, a leaf that is one, an unknown critical extension */
	X509_EXPIRED,	  /* or not yet valid */
	X509_FAULT_COUNT,
};

/* Read one certificate, DER or PEM.  Return: 0 and *@ret, the caller's; ERR_INPUT. */
int x509_cert_read(const void *p, size_t n, struct x509_cert **ret, struct err *e);
void x509_cert_free(struct x509_cert *c);

/* Read a PEM chain, leaf first; bytes after the last certificate are white space or NUL. */
int x509_chain_read(const void *p, size_t n, struct x509_chain *ret, struct err *e);
void x509_chain_deinit(struct x509_chain *c);

/* Does the chain of @n certificates lead to @root, at @at (seconds since 1970)? */
enum x509_fault x509_chain_check(const struct x509_chain *c, size_t n, const struct x509_cert *root,
				 int64_t at);
const char *x509_fault_text(enum x509_fault f);

/* The common name of the subject.  Return: 0 or -EINVAL. */
int x509_cert_name(const struct x509_cert *c, char *dst, size_t size);

/* The public key, X then Y.  Return: 0, or -EINVAL if it is not on P-256. */
int x509_cert_key(const struct x509_cert *c, uint8_t ret[static ECDSA_P256_KEY]);

/* Intel's extension.  Return: 0, or -EINVAL if there is not exactly one or it is broken. */
int x509_cert_pck(const struct x509_cert *c, struct pck *ret);

/* Read a CRL in DER.  Return: 0 and *@ret, the caller's; ERR_INPUT. */
int x509_crl_read(const void *p, size_t n, struct x509_crl **ret, struct err *e);
void x509_crl_free(struct x509_crl *c);

/* Was it issued by @issuer, and is @at between its dates? */
enum x509_fault x509_crl_check(const struct x509_crl *c, const struct x509_cert *issuer,
			       int64_t at);
bool x509_crl_lists(const struct x509_crl *c, const struct x509_cert *cert);
