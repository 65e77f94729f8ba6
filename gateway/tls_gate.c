/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tls_gate.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "gateway/tls_site.h"

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int wire_read(BIO *b, char *p, size_t n, size_t *ret)
{
	struct tls_wire *w = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (w->n_in == 0) {
		BIO_set_retry_read(b);
		return 0;
	}
	if (n > w->n_in)
		n = w->n_in;
	memcpy(p, w->in, n);
	w->in += n;
	w->n_in -= n;
	*ret = n;
	return 1;
}

static int wire_write(BIO *b, const char *p, size_t n, size_t *ret)
{
	struct tls_wire *w = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	/* never by our own writes, for which there is room; a client's flood of requests for answers is cut off */
	if (w->out_max - w->n_out < n)
		return 0;
	memcpy(w->out + w->n_out, p, n);
	w->n_out += n;
	*ret = n;
	return 1;
}

static long wire_ctrl(BIO *b, int cmd, long larg, void *parg)
{
	(void)b, (void)larg, (void)parg;
	return cmd == BIO_CTRL_FLUSH;
}

static int wire_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

static void prepare(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
	assert(method && BIO_meth_set_read_ex(method, wire_read) &&
	       BIO_meth_set_write_ex(method, wire_write) && BIO_meth_set_ctrl(method, wire_ctrl) &&
	       BIO_meth_set_create(method, wire_create));
}

struct ssl_st *tls_gate_new(const struct tls_site *site, bool is_h2, struct tls_wire *wire)
{
	SSL *ssl;
	BIO *b;

	(void)pthread_once(&once, prepare);
	ssl = SSL_new(is_h2 ? site->h2 : site->plain);
	b = ssl ? BIO_new(method) : NULL;
	if (!b) {
		SSL_free(ssl);
		return NULL;
	}
	BIO_set_data(b, wire);
	SSL_set_bio(ssl, b, b);
	SSL_set_accept_state(ssl);
	return ssl;
}

void tls_gate_free(SSL *ssl)
{
	if (!ssl)
		return;
	/* as if all had been said: else OpenSSL looks for the session in a cache that we do not have */
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
}

static enum tls_gate_step step_of(SSL *ssl, int rc)
{
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_GATE_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_GATE_CLOSED;
	default:
		return TLS_GATE_BROKEN;
	}
}

enum tls_gate_step tls_gate_handshake(SSL *ssl)
{
	int rc = SSL_do_handshake(ssl);

	return rc == 1 ? TLS_GATE_DONE : step_of(ssl, rc);
}

size_t tls_gate_read(SSL *ssl, void *p, size_t n, enum tls_gate_step *ret)
{
	size_t got = 0;
	int rc = SSL_read_ex(ssl, p, n, &got);

	if (rc == 1)
		return got;
	*ret = step_of(ssl, rc);
	return 0;
}

bool tls_gate_write(SSL *ssl, const void *p, size_t n)
{
	const uint8_t *at = p;
	size_t done = 0;

	while (n > 0) {
		if (SSL_write_ex(ssl, at, n, &done) != 1)
			return false;
		at += done;
		n -= done;
	}
	return true;
}

void tls_gate_close(SSL *ssl)
{
	if (!(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN))
		(void)SSL_shutdown(ssl); /* "0": sent, and the peer's has not come */
}

bool tls_gate_may_hold(const SSL *ssl)
{
	return tls_gate_is_13(ssl);
}

bool tls_gate_is_resumed(const SSL *ssl)
{
	return SSL_session_reused(ssl);
}

bool tls_gate_is_13(const SSL *ssl)
{
	return SSL_version(ssl) == TLS1_3_VERSION;
}

bool tls_gate_is_h2(const SSL *ssl)
{
	const unsigned char *name = NULL;
	unsigned int n = 0;

	SSL_get0_alpn_selected(ssl, &name, &n);
	return n == 2 && memcmp(name, "h2", 2) == 0;
}

const char *tls_gate_why(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return s ? s : "TLS failed";
}

void tls_gate_alert(uint8_t alert, uint8_t ret[static TLS_GATE_ALERT_SIZE])
{
	const uint8_t record[TLS_GATE_ALERT_SIZE] = { 21, 3, 3, 0, 2, 2, alert };

	memcpy(ret, record, sizeof(record));
}
