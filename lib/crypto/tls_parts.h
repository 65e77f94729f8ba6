/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_parts: what the files of tls share; nobody else includes it
 *
 *	tls_ctx.c     keys, certificates, whom to believe
 *	tls_verify.c  is it who it is to be?  And in words, why not
 *	tls.c	      a connection
 */
#pragma once

#include <stdbool.h>

#include <openssl/ssl.h>

#include "crypto/tls.h"

struct tls_ctx {
	unsigned int n_refs; /* atomic */
	SSL_CTX *ssl;
	bool is_server;
	enum tls_trust trust;
	EVP_PKEY *root_key;
};

struct tls {
	struct tls_ctx *ctx;
	SSL *ssl;
	BIO *bio; /* borrowed from ssl */
	char name[TLS_NAME_MAX + 1];
	bool is_eof, is_ended; /* of the peer's side: seen; said by close_notify */
	bool is_said;	       /* our close_notify has gone out */
};

/* tls_verify.c */
int tls_verify_setup(struct tls_ctx *c, const struct tls_ctx_options *o, struct err *e);
int tls_verify_name(struct tls *t);
/* Why the handshake failed: the peer's certificate, or what OpenSSL says. */
int tls_verify_fault(const struct tls *t, struct err *e);
