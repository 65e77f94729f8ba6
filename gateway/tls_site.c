/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls_site.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/pem.h"
#include "gateway/tls_tickets.h"

enum { TICKET_LIFE_S = 6 * 3600, TICKETS_AFTER_HANDSHAKE = 1 };

/*
 * AES-128 first: it is the cheapest that is strong, with the cheapest digest in TLS 1.3.  The client's choice of
 * ChaCha20 is followed where it puts it first (a phone without AES in hardware).
 */
static const char suites_12[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char suites_13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

DEFINE_AUTO(X509 *, cert, X509_free);
DEFINE_AUTO(EVP_PKEY *, pkey, EVP_PKEY_free);
DEFINE_AUTO(BIO *, bio, BIO_vfree);
#define auto_cert __attribute__((cleanup(auto_cert_fn)))
#define auto_pkey __attribute__((cleanup(auto_pkey_fn)))
#define auto_bio  __attribute__((cleanup(auto_bio_fn)))

static int wrong(const struct tls_site_args *a, const char *what, struct err *e)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return err_set(e, ERR_INPUT, "domain %s: %s%s%s", a->domain, what, why ? ": " : "",
		       why ? why : "");
}

/* The next certificate of a PEM text.  Return: 1, 0: there is none. */
static int next_certificate(BIO *b, X509 **ret)
{
	const uint8_t *at;
	uint8_t *der = NULL;
	long n = 0;

	if (pem_certificate(b, &der, &n) != 1)
		return 0;
	at = der;
	*ret = d2i_X509(NULL, &at, n);
	OPENSSL_free(der);
	return *ret ? 1 : 0;
}

static int use_chain(SSL_CTX *ctx, const struct tls_site_args *a, X509 **ret_leaf, struct err *e)
{
	auto_bio BIO *b = BIO_new_mem_buf(a->chain_pem, (int)a->n_chain_pem);
	auto_cert X509 *leaf = NULL;
	X509 *next = NULL;
	size_t n = 1;

	if (!b || !next_certificate(b, &leaf) || SSL_CTX_use_certificate(ctx, leaf) != 1)
		return wrong(a, "there is no certificate in its certificate file that can be used",
			     e);
	while (next_certificate(b, &next)) {
		if (++n > TLS_SITE_CHAIN_MAX || SSL_CTX_add0_chain_cert(ctx, next) != 1) {
			X509_free(next);
			return wrong(a, "its chain is too long or holds what is no certificate", e);
		}
	}
	ERR_clear_error(); /* "no start line": the end of the file */
	*ret_leaf = steal_ptr(&leaf);
	return 0;
}

static int use_key(SSL_CTX *ctx, const struct tls_site_args *a, struct err *e)
{
	auto_bio BIO *b = BIO_new_mem_buf(a->key_pem, (int)a->n_key_pem);
	auto_pkey EVP_PKEY *key = NULL;
	const uint8_t *at;
	uint8_t *der = NULL;
	long n = 0;

	if (!b || pem_private_key(b, &der, &n) != 1) {
		return wrong(
			a, "there is no private key (PKCS #8, without a password) in its key file",
			e);
	}
	at = der;
	key = d2i_AutoPrivateKey(NULL, &at, n);
	OPENSSL_clear_free(der, (size_t)n);
	if (!key || SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return wrong(a, "its key cannot be used, or is not that of its certificate", e);
	return 0;
}

/* Our protocol where the client speaks it; a client of the h2 context that speaks others only is told so. */
static int choose_alpn(const unsigned char **out, unsigned char *n_out, const unsigned char *in,
		       unsigned int n_in, const char *want, size_t n_want)
{
	unsigned int i;

	for (i = 0; i < n_in; i += 1U + in[i]) {
		if (in[i] == n_want && memcmp(in + i + 1, want, n_want) == 0) {
			*out = in + i + 1;
			*n_out = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *n_out,
		     const unsigned char *in, unsigned int n_in, void *arg)
{
	(void)ssl, (void)arg;
	return choose_alpn(out, n_out, in, n_in, "h2", 2);
}

static int choose_http1(SSL *ssl, const unsigned char **out, unsigned char *n_out,
			const unsigned char *in, unsigned int n_in, void *arg)
{
	(void)ssl, (void)arg;
	if (choose_alpn(out, n_out, in, n_in, "http/1.1", 8) == SSL_TLSEXT_ERR_OK)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK; /* an app may speak anything */
}

static int set_rules(SSL_CTX *ctx, const struct tls_site_args *a, struct err *e)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					       SSL_OP_CIPHER_SERVER_PREFERENCE |
					       SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	if (SSL_CTX_set_min_proto_version(ctx, a->is_13_only ? TLS1_3_VERSION : TLS1_2_VERSION) !=
		    1 ||
	    SSL_CTX_set_cipher_list(ctx, suites_12) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, suites_13) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, TICKETS_AFTER_HANDSHAKE) != 1)
		return wrong(a, "OpenSSL does not take our settings", e);
	tickets_use(ctx);
	return 0;
}

/* A ticket of one domain, or of the other kind of context, is a stranger's here. */
static int set_context(SSL_CTX *ctx, const struct tls_site_args *a, bool is_h2, struct err *e)
{
	uint8_t id[SHA256_DIGEST_LENGTH];
	char name[300];

	if (str_format(name, sizeof(name), "%s %s", is_h2 ? "h2" : "any", a->domain) < 0)
		return wrong(a, "its name is too long", e);
	(void)SHA256((const uint8_t *)name, strlen(name), id);
	if (SSL_CTX_set_session_id_context(ctx, id, sizeof(id)) != 1)
		return wrong(a, "OpenSSL does not take our settings", e);
	SSL_CTX_set_alpn_select_cb(ctx, is_h2 ? choose_h2 : choose_http1, NULL);
	return 0;
}

static int look_at_leaf(X509 *leaf, const struct tls_site_args *a, struct tls_site *s,
			struct err *e)
{
	char name[300];
	uint8_t *der = NULL;
	struct tm end;
	int n;

	if (str_format(name, sizeof(name), "any-app.%s", a->domain) < 0 ||
	    X509_check_host(leaf, name, 0, 0, NULL) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "domain %s: its certificate is not for *.%s",
			       a->domain, a->domain);
	}
	if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) != 1)
		return wrong(a, "its certificate has no end that can be read", e);
	s->not_after = timegm(&end);
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	if (n <= 0)
		return wrong(a, "its certificate has no key that can be read", e);
	(void)SHA256(der, (size_t)n, s->key_sha256);
	OPENSSL_free(der);
	return 0;
}

static int make(const struct tls_site_args *a, bool is_h2, struct tls_site *s, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	auto_cert X509 *leaf = NULL;
	int rc;

	if (!ctx)
		return wrong(a, "OpenSSL makes no context", e);
	*(is_h2 ? &s->h2 : &s->plain) = ctx;
	rc = set_rules(ctx, a, e);
	if (!rc)
		rc = set_context(ctx, a, is_h2, e);
	if (!rc)
		rc = use_chain(ctx, a, &leaf, e);
	if (!rc)
		rc = use_key(ctx, a, e);
	return rc ? rc : look_at_leaf(leaf, a, s, e);
}

int tls_site_init(const struct tls_site_args *a, struct tls_site *ret, struct err *e)
{
	struct tls_site s = { .plain = NULL };
	int rc;

	if (a->n_chain_pem > TLS_SITE_PEM_MAX || a->n_key_pem > TLS_SITE_PEM_MAX)
		return wrong(a, "its certificate or key file is larger than 256 KiB", e);
	rc = make(a, false, &s, e);
	if (!rc)
		rc = make(a, true, &s, e);
	if (rc) {
		tls_site_deinit(&s);
		return rc;
	}
	*ret = s;
	return 0;
}

void tls_site_deinit(struct tls_site *s)
{
	SSL_CTX_free(s->plain);
	SSL_CTX_free(s->h2);
	*s = (struct tls_site){ .plain = NULL };
}

int tls_site_spki(const struct tls_site *s, struct buf *ret)
{
	X509 *leaf = SSL_CTX_get0_certificate(s->plain); /* borrowed */
	uint8_t *der = NULL;
	int rc, n = leaf ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der) : 0;

	if (n <= 0) {
		ERR_clear_error();
		return -EINVAL;
	}
	rc = buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	return rc;
}
