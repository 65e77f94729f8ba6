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

#include "crypto/digest.h"
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

/* Read one certificate, DER or PEM and nothing else.  Return: 0 and *@ret, the caller's; ERR_INPUT. */
int x509_cert_read(const void *p, size_t n, struct x509_cert **ret, struct err *e);
void x509_cert_free(struct x509_cert *c);

/*
 * Read a PEM chain, leaf first; bytes after the last certificate are white space or NUL.  Certificates that
 * @beside (NULL: none) has with the same bytes are shared with it: reading one anew is slow.
 */
int x509_chain_read_beside(const void *p, size_t n, const struct x509_chain *beside,
			   struct x509_chain *ret, struct err *e);
static inline int x509_chain_read(const void *p, size_t n, struct x509_chain *ret, struct err *e)
{
	return x509_chain_read_beside(p, n, NULL, ret, e);
}
void x509_chain_deinit(struct x509_chain *c);

/* Are both of the same certificates, byte for byte? */
bool x509_chain_is_same(const struct x509_chain *a, const struct x509_chain *b);

/*
 * Does the chain of @n certificates lead to @root, at @at (seconds since 1970)?  In two steps for who
 * asks again: what is the same at all times, and the dates.
 */
enum x509_fault x509_chain_check(const struct x509_chain *c, size_t n, const struct x509_cert *root,
				 int64_t at);
enum x509_fault x509_chain_trust(const struct x509_chain *c, size_t n,
				 const struct x509_cert *root);
enum x509_fault x509_chain_dates(const struct x509_chain *c, int64_t at);

/* When the first of its certificates ends; INT64_MIN if one does not say. */
int64_t x509_chain_until(const struct x509_chain *c);
const char *x509_fault_text(enum x509_fault f);

/* Have both the same name and the same key?  A root may have been signed anew. */
bool x509_cert_is_same(const struct x509_cert *a, const struct x509_cert *b);

/* Does @c name @issuer, and is it signed by its key?  Of chains of other kinds than Intel's; nothing else is looked at. */
bool x509_cert_is_signed(const struct x509_cert *c, const struct x509_cert *issuer);

/* SHA-256 of the certificate's DER. */
struct digest256 x509_cert_digest(const struct x509_cert *c);

/* The common name of the subject, and of who it says signed it.  Return: 0 or -EINVAL. */
int x509_cert_name(const struct x509_cert *c, char *dst, size_t size);
int x509_cert_issuer_name(const struct x509_cert *c, char *dst, size_t size);

/* The public key, X then Y.  Return: 0, or -EINVAL if it is not on P-256. */
int x509_cert_key(const struct x509_cert *c, uint8_t ret[static ECDSA_P256_KEY]);

/* Intel's extension.  Return: 0, or -EINVAL if there is not exactly one or it is broken. */
int x509_cert_pck(const struct x509_cert *c, struct pck *ret);

/* Read a CRL in DER.  Return: 0 and *@ret, the caller's; ERR_INPUT. */
int x509_crl_read(const void *p, size_t n, struct x509_crl **ret, struct err *e);
void x509_crl_free(struct x509_crl *c);

/* Was it issued by @issuer, and is @at between its dates?  In two steps as for chains. */
enum x509_fault x509_crl_check(const struct x509_crl *c, const struct x509_cert *issuer,
			       int64_t at);
enum x509_fault x509_crl_trust(const struct x509_crl *c, const struct x509_cert *issuer);
enum x509_fault x509_crl_dates(const struct x509_crl *c, int64_t at);

/* Its dates; a list that does not say was never, and has ended: INT64_MAX, INT64_MIN. */
int64_t x509_crl_from(const struct x509_crl *c);
int64_t x509_crl_until(const struct x509_crl *c);
bool x509_crl_lists(const struct x509_crl *c, const struct x509_cert *cert);
