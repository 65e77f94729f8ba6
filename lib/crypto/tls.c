/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's own BIO for sockets writes without MSG_NOSIGNAL, so that a peer that is gone would end a program by
 * SIGPIPE; and it does not say whether the end of the stream was seen.  Hence one of our own.
 */
#include "crypto/tls_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct end {
	int fd;
	bool *is_eof;
};

static int end_write(BIO *b, const char *p, int n)
{
	const struct end *end = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	do {
		r = send(end->fd, p, (size_t)n, MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		BIO_set_retry_write(b);
	return (int)r;
}

static int end_read(BIO *b, char *p, int n)
{
	const struct end *end = BIO_get_data(b);
	ssize_t r;

	BIO_clear_retry_flags(b);
	do {
		r = recv(end->fd, p, (size_t)n, 0);
	} while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		BIO_set_retry_read(b);
	if (r == 0)
		*end->is_eof = true;
	return (int)r;
}

static long end_ctrl(BIO *b, int cmd, long arg, void *p)
{
	const struct end *end = BIO_get_data(b);

	(void)arg;
	(void)p;
	if (cmd == BIO_CTRL_EOF)
		return *end->is_eof;
	return cmd == BIO_CTRL_FLUSH;
}

static int end_destroy(BIO *b)
{
	free(BIO_get_data(b));
	BIO_set_data(b, NULL);
	return 1;
}

/* One for the program, made at its first use and never freed. */
static const BIO_METHOD *end_method(void)
{
	static BIO_METHOD *method;
	BIO_METHOD *have = __atomic_load_n(&method, __ATOMIC_ACQUIRE), *none = NULL;

	if (have)
		return have;
	have = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
	if (!have || !BIO_meth_set_write(have, end_write) || !BIO_meth_set_read(have, end_read) ||
	    !BIO_meth_set_ctrl(have, end_ctrl) || !BIO_meth_set_destroy(have, end_destroy))
		abort();
	if (__atomic_compare_exchange_n(&method, &none, have, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return have;
	BIO_meth_free(have); /* another thread was first */
	return none;
}

static BIO *end_new(struct tls *t, int fd)
{
	BIO *b = BIO_new(end_method());
	struct end *end = xnew(struct end);

	if (!b)
		abort();
	*end = (struct end){ fd, &t->is_eof };
	BIO_set_data(b, end);
	BIO_set_init(b, 1);
	return b;
}

struct tls *tls_new(struct tls_ctx *c, int fd, const char *name)
{
	struct tls *t = xnew(struct tls);
	BIO *b;

	t->ctx = tls_ctx_ref(c);
	t->ssl = SSL_new(c->ssl);
	if (!t->ssl)
		abort();
	b = end_new(t, fd);
	SSL_set_bio(t->ssl, b, b);
	if (c->is_server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	/* a name that cannot be set cannot be checked either: "" fails every check of it */
	if (name && (str_copy(t->name, sizeof(t->name), name) <= 0 || tls_verify_name(t) < 0)) {
		tls_free(t);
		return NULL;
	}
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	tls_ctx_unref(t->ctx);
	free(t);
}

/* The alerts by which the other side refuses a certificate: with TLS 1.3 they come after the handshake. */
static bool is_refusal(unsigned long code)
{
	static const int alerts[] = {
		SSL_R_TLSV1_ALERT_UNKNOWN_CA,
		SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
		SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
		SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
		SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
		SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
	};
	size_t i;

	for (i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == alerts[i])
			return true;
	}
	return false;
}

/* What SSL_...() came to that did not return a positive number. */
static int outcome(struct tls *t, int r, const char *what, struct err *e)
{
	int saved_errno = errno;
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);

	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		return saved_errno ? err_errno(e, saved_errno, "%s", what)
				   : err_set(e, -ECONNRESET, "%s: the connection is gone", what);
	default:
		ERR_clear_error();
		if (is_refusal(code))
			return err_set(e, ERR_PROTO, "the other side refuses our certificate: %s",
				       why);
		return err_set(e, ERR_PROTO, "%s: TLS: %s", what, why ? why : "broken");
	}
}

int tls_handshake(struct tls *t, struct err *e)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(t->ssl);
	if (r == 1)
		return 0;
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_SYSCALL:
		if (errno && !t->is_eof)
			return outcome(t, r, "the TLS handshake", e);
		break;
	default:
		break;
	}
	return tls_verify_fault(t, e);
}

ssize_t tls_read(struct tls *t, void *p, size_t n, struct err *e)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_read(t->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (r > 0)
		return r;
	r = outcome(t, r, "reading", e);
	if (r == 0 && !t->is_eof)
		t->is_ended = true;
	return r;
}

ssize_t tls_write(struct tls *t, const void *p, size_t n, struct err *e)
{
	int r;

	ERR_clear_error();
	errno = 0;
	r = SSL_write(t->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (r > 0)
		return r;
	r = outcome(t, r, "writing", e);
	return r == 0 ? err_set(e, -EPIPE, "writing: the connection is gone") : r;
}

int tls_end(struct tls *t, struct err *e)
{
	int r;

	if (t->is_said)
		return 0;
	ERR_clear_error();
	errno = 0;
	r = SSL_shutdown(t->ssl);
	if (r < 0)
		r = outcome(t, r, "ending", e);
	if (r >= 0)
		t->is_said = true;
	return r > 0 ? 0 : r;
}

bool tls_is_ended(const struct tls *t)
{
	return t->is_ended;
}

bool tls_has_pending(const struct tls *t)
{
	return SSL_pending(t->ssl) > 0;
}

int tls_peer_cert(const struct tls *t, struct buf *ret)
{
	const X509 *x = SSL_get0_peer_certificate(t->ssl);
	uint8_t *der = NULL;
	int n = x ? i2d_X509(x, &der) : 0, rc;

	rc = n > 0 ? buf_add(ret, der, (size_t)n) : n;
	OPENSSL_free(der);
	return rc;
}

int tls_peer_chain(const struct tls *t, struct buf *ret, struct err *e)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl);
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	X509 *leaf = t->ctx->is_server ? SSL_get0_peer_certificate(t->ssl) : NULL;
	int i, ok = b != NULL, rc;
	long n;

	if (ok && leaf) /* which OpenSSL's list has on a client's side only */
		ok = PEM_write_bio_X509(b, leaf);
	for (i = 0; ok && i < sk_X509_num(chain); i++)
		ok = PEM_write_bio_X509(b, sk_X509_value(chain, i));
	n = ok ? BIO_get_mem_data(b, &p) : 0;
	rc = ok ? buf_add(ret, p, (size_t)n) : ERR_CRYPTO;
	BIO_free(b);
	return rc < 0 ? err_set(e, rc, "the peer's certificates: too long") : 0;
}

const char *tls_server_name(const struct tls *t)
{
	const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);

	return name ? name : "";
}
