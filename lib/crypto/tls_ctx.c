/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tls_parts.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/pem.h"

/* TLS 1.2 only with forward secrecy and authenticated encryption; TLS 1.3 has nothing else. */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

static int refused(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	int rc = err_set(e, ERR_INPUT, "TLS: %s: %s", what, why ? why : "refused");

	ERR_clear_error();
	return rc;
}

static int set_limits(SSL_CTX *c, struct err *e)
{
	static const unsigned char session_context[] = "bailey";
	char groups[] = "X25519:P-256:P-384"; /* which OpenSSL's macro wants to be writable */

	SSL_CTX_set_options(
		c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
			   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
			   SSL_OP_IGNORE_UNEXPECTED_EOF); /* tls.c tells the two ends apart */
	/* a step moves one record and comes back, so that no peer keeps a thread busy with what is not data */
	SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(c, TLS_CERTS_MAX);
	SSL_CTX_set_verify_depth(c, TLS_CHAIN_MAX);
	SSL_CTX_set_read_ahead(c, 0);
	if (!SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) || !SSL_CTX_set_num_tickets(c, 0) ||
	    !SSL_CTX_set_cipher_list(c, CIPHERS_1_2) || !SSL_CTX_set1_groups_list(c, groups) ||
	    !SSL_CTX_set_session_id_context(c, session_context, sizeof(session_context) - 1))
		return refused(e, "its settings");
	return 0;
}

/* Leaf first.  Return: 0, and what was read, also on failure. */
static int read_chain(const char *pem, X509 **ret_leaf, STACK_OF(X509) * rest, struct err *e)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	X509 *x = NULL;
	int rc;

	*ret_leaf = NULL;
	while ((rc = b ? pem_next_certificate(b, &x) : -1) > 0) {
		if (!*ret_leaf) {
			*ret_leaf = x;
		} else if (sk_X509_num(rest) >= TLS_CHAIN_MAX || sk_X509_push(rest, x) <= 0) {
			X509_free(x);
			rc = -1;
			break;
		}
	}
	BIO_free(b);
	if (rc < 0 || !*ret_leaf) {
		return err_set(e, ERR_INPUT,
			       "TLS: the certificate chain is not 1 to %d certificates in PEM",
			       TLS_CHAIN_MAX);
	}
	return 0;
}

static int set_identity(SSL_CTX *c, const struct tls_ctx_options *o, struct err *e)
{
	BIO *b = o->key ? BIO_new_mem_buf(o->key, -1) : NULL;
	EVP_PKEY *key = b ? pem_any_key(b) : NULL;
	STACK_OF(X509) *rest = sk_X509_new_null();
	X509 *leaf = NULL;
	int rc = rest ? read_chain(o->chain, &leaf, rest, e) : -ENOMEM;

	if (rc == 0 && !key)
		rc = err_set(e, ERR_INPUT,
			     "TLS: the private key is not one in PEM without a password");
	if (rc == 0 && X509_check_private_key(leaf, key) != 1)
		rc = err_set(e, ERR_INPUT, "TLS: the private key is not that of the certificate");
	if (rc == 0 && SSL_CTX_use_cert_and_key(c, leaf, key, rest, 1) != 1)
		rc = refused(e, "the certificate");
	ERR_clear_error();
	X509_free(leaf);
	sk_X509_pop_free(rest, X509_free);
	EVP_PKEY_free(key);
	BIO_free(b);
	return rc;
}

int tls_ctx_new(const struct tls_ctx_options *o, struct tls_ctx **ret, struct err *e)
{
	struct tls_ctx *c = xnew(struct tls_ctx);
	int rc;

	c->n_refs = 1;
	c->is_server = o->is_server;
	c->trust = o->trust;
	c->ssl = SSL_CTX_new(o->is_server ? TLS_server_method() : TLS_client_method());
	rc = c->ssl ? set_limits(c->ssl, e) : refused(e, "its settings");
	if (rc == 0 && (o->chain || o->is_server))
		rc = o->chain ? set_identity(c->ssl, o, e)
			      : err_set(e, ERR_INPUT, "TLS: a server needs a certificate");
	if (rc == 0)
		rc = tls_verify_setup(c, o, e);
	if (rc < 0) {
		tls_ctx_unref(c);
		return rc;
	}
	*ret = c;
	return 0;
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *c)
{
	(void)__atomic_add_fetch(&c->n_refs, 1, __ATOMIC_RELAXED);
	return c;
}

void tls_ctx_unref(struct tls_ctx *c)
{
	if (!c || __atomic_sub_fetch(&c->n_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	SSL_CTX_free(c->ssl);
	EVP_PKEY_free(c->root_key);
	free(c);
}
