/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ratls.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/elgz.h"
#include "crypto/pem.h"

#define ARC "1.3.6.1.4.1.62397.1."

static X509 *read_der(const uint8_t *p, size_t n)
{
	const uint8_t *at = p;
	X509 *x = d2i_X509(NULL, &at, (long)n);

	if (x && at != p + n) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

static X509 *read_cert(const uint8_t *p, size_t n)
{
	BIO *b = n > 0 && *p != 0x30 ? BIO_new_mem_buf(p, (int)n) : NULL;
	uint8_t *der = NULL;
	X509 *x = NULL;
	long n_der = 0;

	if (b && pem_certificate(b, &der, &n_der))
		x = read_der(der, (size_t)n_der);
	else if (n > 0 && !b)
		x = read_der(p, n);
	OPENSSL_free(der);
	BIO_free(b);
	ERR_clear_error();
	return x;
}

static int read_key(X509 *x, struct ratls_bytes *ret)
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (n > 0) {
		ret->p = xmemdup(der, (size_t)n);
		ret->n = (size_t)n;
	}
	OPENSSL_free(der);
	return n > 0 ? 0 : -1;
}

/* Is it what DER has for it?  OpenSSL reads BER, too, whose many forms of one thing others may read otherwise. */
static bool is_der(const ASN1_OCTET_STRING *s, const uint8_t *p, size_t n)
{
	uint8_t *der = NULL;
	int n_der = i2d_ASN1_OCTET_STRING(s, &der);
	bool is_same = n_der > 0 && (size_t)n_der == n && memcmp(der, p, n) == 0;

	OPENSSL_free(der);
	return is_same;
}

/* The OCTET STRING inside the extension's.  Return: 0, also if it is absent; -1 if it is broken or twice there. */
static int read_extension(const X509 *x, const char *oid, struct ratls_bytes *ret)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = object ? X509_get_ext_by_OBJ(x, object, -1) : -1, rc = 0;
	const ASN1_OCTET_STRING *outer;
	ASN1_OCTET_STRING *inner = NULL;
	const uint8_t *p;
	int n;

	if (at >= 0) {
		outer = X509_EXTENSION_get_data(X509_get_ext(x, at));
		p = ASN1_STRING_get0_data(outer);
		n = ASN1_STRING_length(outer);
		inner = d2i_ASN1_OCTET_STRING(NULL, &p, n);
		if (!inner || !is_der(inner, ASN1_STRING_get0_data(outer), (size_t)n) ||
		    X509_get_ext_by_OBJ(x, object, at) >= 0)
			rc = -1;
	}
	if (inner && rc == 0) {
		ret->n = (size_t)ASN1_STRING_length(inner);
		ret->p = xmemdup(ASN1_STRING_get0_data(inner), ret->n);
	}
	ASN1_OCTET_STRING_free(inner);
	ASN1_OBJECT_free(object);
	ERR_clear_error();
	return rc;
}

/* Of each extension: where it goes, and how much of it there may be. */
struct slot {
	const char *oid;
	struct ratls_bytes *ret;
	size_t max;
};

static int read_extensions(const X509 *x, struct ratls *r, struct ratls_bytes *usage)
{
	const struct slot slots[] = {
		{ ARC "1", &r->quote, RATLS_MAX },
		{ ARC "2", &r->event_log, RATLS_MAX },
		{ ARC "3", &r->app_id, RATLS_APP_ID_MAX },
		{ ARC "4", usage, RATLS_USAGE_MAX },
		{ ARC "8", &r->attestation, RATLS_MAX },
		{ ARC "9", &r->app_info, RATLS_APP_INFO_MAX },
	};
	int rc = 0;
	size_t i;

	for (i = 0; rc == 0 && i < sizeof(slots) / sizeof(slots[0]); i++) {
		rc = read_extension(x, slots[i].oid, slots[i].ret);
		if (rc == 0 && slots[i].ret->n > slots[i].max)
			rc = -1;
	}
	return rc;
}

/* Printable ASCII: it is compared with fixed words, and shown where it is none of them. */
static int take_usage(const struct ratls_bytes *u, char ret[static RATLS_USAGE_MAX + 1])
{
	size_t i;

	for (i = 0; i < u->n; i++) {
		if (u->p[i] <= ' ' || u->p[i] >= 0x7f)
			return -1;
	}
	if (u->n)
		memcpy(ret, u->p, u->n);
	ret[u->n] = 0;
	return 0;
}

static int unpack_log(struct ratls_bytes *log)
{
	auto_buf struct buf b = BUF_MAX(RATLS_EVENT_LOG_MAX);

	if (!log->p || !elgz_is_packed(log->p, log->n))
		return 0;
	if (elgz_unpack(log->p, log->n, &b) < 0)
		return -1;
	free(log->p);
	log->p = xmemdup(b.p, b.n);
	log->n = b.n;
	return 0;
}

int ratls_read(const void *p, size_t n, struct ratls *ret, struct err *e)
{
	struct ratls r = { .key = { NULL, 0 } };
	struct ratls_bytes usage = { NULL, 0 };
	X509 *x = n <= RATLS_MAX ? read_cert(p, n) : NULL;
	int rc;

	if (!x)
		return err_set(e, ERR_INPUT, "certificate: it has no form that is known");
	rc = read_key(x, &r.key);
	if (rc == 0)
		rc = read_extensions(x, &r, &usage);
	if (rc == 0)
		rc = take_usage(&usage, r.usage);
	if (rc == 0)
		rc = unpack_log(&r.event_log);
	X509_free(x);
	free(usage.p);
	if (rc < 0) {
		ratls_deinit(&r);
		return err_set(e, ERR_INPUT,
			       "certificate: its key or an extension is broken, or twice there");
	}
	*ret = r;
	return 0;
}

void ratls_deinit(struct ratls *r)
{
	free(r->key.p);
	free(r->attestation.p);
	free(r->quote.p);
	free(r->event_log.p);
	free(r->app_id.p);
	free(r->app_info.p);
	*r = (struct ratls){ .key = { NULL, 0 } };
}
