/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ratls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/mem.h"
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

/* The OCTET STRING inside the extension's.  Return: 0, also if it is absent; -1 if it is broken or twice there. */
static int read_extension(const X509 *x, const char *oid, struct ratls_bytes *ret)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = object ? X509_get_ext_by_OBJ(x, object, -1) : -1, rc = 0;
	const ASN1_OCTET_STRING *outer;
	ASN1_OCTET_STRING *inner = NULL;
	const uint8_t *p, *end;

	if (at >= 0) {
		outer = X509_EXTENSION_get_data(X509_get_ext(x, at));
		p = ASN1_STRING_get0_data(outer);
		end = p + ASN1_STRING_length(outer);
		inner = d2i_ASN1_OCTET_STRING(NULL, &p, ASN1_STRING_length(outer));
		rc = inner && p == end && X509_get_ext_by_OBJ(x, object, at) < 0 ? 0 : -1;
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

int ratls_read(const void *p, size_t n, struct ratls *ret, struct err *e)
{
	struct ratls r = { .key = { NULL, 0 } };
	X509 *x = n <= RATLS_MAX ? read_cert(p, n) : NULL;
	int rc;

	if (!x)
		return err_set(e, ERR_INPUT, "certificate: it has no form that is known");
	rc = read_key(x, &r.key);
	if (rc == 0)
		rc = read_extension(x, ARC "8", &r.attestation);
	if (rc == 0)
		rc = read_extension(x, ARC "1", &r.quote);
	if (rc == 0)
		rc = read_extension(x, ARC "2", &r.event_log);
	X509_free(x);
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
	*r = (struct ratls){ .key = { NULL, 0 } };
}
