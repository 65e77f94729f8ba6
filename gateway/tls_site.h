/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_site: one domain's certificate and key, ready to serve TLS 1.2 and 1.3
 *
 * Owns     OpenSSL's contexts, one without and one with HTTP/2.  Connections hold on to what they need of it, so it
 *	    may be freed while they live.
 * Trusts   the operator's files, as far as OpenSSL can read them; the terminal is never asked for a password.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct ssl_ctx_st;

enum { TLS_SITE_PEM_MAX = 256 * 1024, TLS_SITE_CHAIN_MAX = 10 };

struct tls_site {
	struct ssl_ctx_st *plain, *h2;
	int64_t not_after;	/* of the leaf, seconds since 1970 */
	uint8_t key_sha256[32]; /* of the leaf's SubjectPublicKeyInfo, DER */
};

struct tls_site_args {
	const char *domain; /* below which apps are; the certificate must be good for *.domain */
	const void *chain_pem, *key_pem; /* leaf first; PKCS #8 or SEC 1 */
	size_t n_chain_pem, n_key_pem;
	bool is_13_only;
};

/* Return: 0; ERR_INPUT with what is wrong with which of the two. */
int tls_site_init(const struct tls_site_args *a, struct tls_site *ret, struct err *e);
void tls_site_deinit(struct tls_site *s);

/* Append the leaf's SubjectPublicKeyInfo, DER.  Return: 0 or negative. */
int tls_site_spki(const struct tls_site *s, struct buf *ret);
