/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a peer's chain leads to is OpenSSL's to find; here is only from where: from the certificates given, or, where
 * a key is pinned, from the certificate of that key which the server itself sent.  That one's other words
 * are not vouched for by anybody, and do no harm: whoever could use them needs something that the key signed.
 */
#include "crypto/tls_parts.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/pem.h"

enum { CA_MAX = 64, DETAIL_MAX = 200 };

/* A certificate that the caller gave is believed as it is: it need not be signed by itself. */
static int add_ca(struct tls_ctx *c, X509 *x)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ssl);

	if (!X509_STORE_add_cert(store, x))
		return -1;
	return c->is_server && !SSL_CTX_add_client_CA(c->ssl, x) ? -1 : 0;
}

static int add_cas(struct tls_ctx *c, const char *pem, struct err *e)
{
	BIO *b = pem ? BIO_new_mem_buf(pem, -1) : NULL;
	unsigned int n = 0;
	X509 *x = NULL;
	int rc = -1;

	while (b && (rc = pem_next_certificate(b, &x)) > 0) {
		rc = n++ < CA_MAX ? add_ca(c, x) : -1;
		X509_free(x);
		if (rc < 0)
			break;
	}
	BIO_free(b);
	ERR_clear_error();
	if (rc < 0 || n == 0) {
		return err_set(e, ERR_INPUT,
			       "TLS: who is to be believed is not 1 to %d certificates in PEM",
			       CA_MAX);
	}
	return 0;
}

/* The certificate among those that were sent whose key is pinned. */
static X509 *find_pinned(const struct tls_ctx *c, STACK_OF(X509) * sent)
{
	X509 *x;
	int i;

	for (i = 0; i < sk_X509_num(sent); i++) {
		x = sk_X509_value(sent, i);
		if (X509_check_ca(x) == 1 && EVP_PKEY_eq(X509_get0_pubkey(x), c->root_key) == 1)
			return x;
	}
	return NULL;
}

/* In place of OpenSSL's own, which would look into a store. */
static int verify_pinned(X509_STORE_CTX *sc, void *arg)
{
	const struct tls_ctx *c = arg;
	X509 *root = find_pinned(c, X509_STORE_CTX_get0_untrusted(sc));
	STACK_OF(X509) *trusted = root ? sk_X509_new_null() : NULL;
	int ok = 0;

	if (trusted && sk_X509_push(trusted, root) > 0) {
		X509_STORE_CTX_set0_trusted_stack(sc, trusted);
		ok = X509_verify_cert(sc);
	} else {
		X509_STORE_CTX_set_error(sc, X509_V_ERR_CERT_UNTRUSTED);
	}
	sk_X509_free(trusted);
	return ok;
}

static int pin(struct tls_ctx *c, const struct tls_ctx_options *o, struct err *e)
{
	const uint8_t *p = o->root_key;

	if (o->n_root_key <= TLS_CERTS_MAX)
		c->root_key = p ? d2i_PUBKEY(NULL, &p, (long)o->n_root_key) : NULL;
	ERR_clear_error();
	if (!c->root_key || p != (const uint8_t *)o->root_key + o->n_root_key)
		return err_set(e, ERR_INPUT, "TLS: the pinned key is not a public key in DER");
	SSL_CTX_set_cert_verify_callback(c->ssl, verify_pinned, c);
	return 0;
}

int tls_verify_setup(struct tls_ctx *c, const struct tls_ctx_options *o, struct err *e)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ssl);
	bool looks = o->trust == TLS_TRUST_CA || o->trust == TLS_TRUST_ROOT_KEY;

	if (o->is_server ? o->trust != TLS_TRUST_NOBODY && o->trust != TLS_TRUST_CA
			 : o->trust == TLS_TRUST_NOBODY)
		return err_set(e, -EINVAL, "TLS: no such trust on this side");
	SSL_CTX_set_verify(
		c->ssl, looks ? SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE : SSL_VERIFY_NONE, NULL);
	if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN))
		return err_set(e, ERR_CRYPTO, "TLS: its settings");
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (o->trust == TLS_TRUST_CA)
		return add_cas(c, o->ca, e);
	return o->trust == TLS_TRUST_ROOT_KEY ? pin(c, o, e) : 0;
}

static bool is_ip(const char *name)
{
	uint8_t ip[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

int tls_verify_name(struct tls *t)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	if (is_ip(t->name))
		return X509_VERIFY_PARAM_set1_ip_asc(param, t->name) ? 0 : -1;
	return SSL_set_tlsext_host_name(t->ssl, t->name) &&
			       X509_VERIFY_PARAM_set1_host(param, t->name, 0)
		       ? 0
		       : -1;
}

/* What is wrong with the peer's certificate, as people say it. */
static int certificate_fault(const struct tls *t, long fault, struct err *e)
{
	const char *whose =
		t->ctx->is_server ? "the client's certificate" : "the server's certificate";

	switch (fault) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return err_set(e, ERR_CRYPTO, "%s is not for %s", whose, t->name);
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return err_set(e, ERR_CRYPTO, "%s, or one that it depends on, has expired", whose);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return err_set(
			e, ERR_CRYPTO,
			"%s, or one that it depends on, is not valid yet (is this clock right?)",
			whose);
	case X509_V_ERR_CERT_UNTRUSTED:
		return err_set(e, ERR_CRYPTO, "%s does not come with one of the pinned key", whose);
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return err_set(e, ERR_CRYPTO, "%s is not signed by anyone who is believed here",
			       whose);
	case X509_V_ERR_INVALID_PURPOSE:
		return err_set(e, ERR_CRYPTO, "%s is not meant for this use", whose);
	default:
		return err_set(e, ERR_CRYPTO, "%s: %s", whose,
			       X509_verify_cert_error_string(fault));
	}
}

int tls_verify_fault(const struct tls *t, struct err *e)
{
	long fault = SSL_get_verify_result(t->ssl);
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	char detail[DETAIL_MAX];

	ERR_clear_error();
	if (SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE && fault != X509_V_OK)
		return certificate_fault(t, fault, e);
	if (t->is_eof)
		return err_set(e, ERR_PROTO, "the other side hung up in the TLS handshake");
	if (!why)
		return err_set(e, ERR_PROTO, "the TLS handshake failed");
	return err_set(e, ERR_PROTO, "the TLS handshake failed: %s",
		       str_escape(detail, sizeof(detail), why, strlen(why)));
}
