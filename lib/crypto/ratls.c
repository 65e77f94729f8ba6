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

/* What is read of a certificate.  Decoding all of it takes OpenSSL longer than to verify a signature. */
struct parts {
	const uint8_t *key; /* SubjectPublicKeyInfo, in the certificate */
	size_t n_key;
	STACK_OF(X509_EXTENSION) * extensions; /* NULL: none */
};

/* A value in DER: its tag, and whether it is there whole.  *@p moves to its content. */
static bool enter(const uint8_t **p, const uint8_t *end, int tag, int class,
		  const uint8_t **ret_end)
{
	int found_tag, found_class, rc;
	long n;

	if (*p >= end)
		return false;
	rc = ASN1_get_object(p, &n, &found_tag, &found_class, end - *p);
	if (rc != V_ASN1_CONSTRUCTED || found_tag != tag || found_class != class)
		return false; /* also what is broken (0x80) or of no known length (1) */
	*ret_end = *p + n;
	return true;
}

/* Over a value of whatever kind. */
static bool skip(const uint8_t **p, const uint8_t *end)
{
	int tag, class, rc;
	long n;

	if (*p >= end)
		return false;
	rc = ASN1_get_object(p, &n, &tag, &class, end - *p);
	*p += rc & 0x80 ? 0 : n;
	return !(rc & 0x80) && !(rc & 1);
}

/* Are they what DER has for an algorithm and a string of bits? */
static bool is_der_key(const uint8_t *p, const uint8_t *end, size_t n_key)
{
	const uint8_t *at = p;
	X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &at, end - p);
	ASN1_BIT_STRING *bits = alg ? d2i_ASN1_BIT_STRING(NULL, &at, end - at) : NULL;
	uint8_t *a = NULL, *b = NULL;
	int n_a = bits ? i2d_X509_ALGOR(alg, &a) : -1,
	    n_b = bits ? i2d_ASN1_BIT_STRING(bits, &b) : -1;
	bool is = n_a > 0 && n_b > 0 && at == end && n_a + n_b == end - p &&
		  memcmp(a, p, (size_t)n_a) == 0 && memcmp(b, p + n_a, (size_t)n_b) == 0 &&
		  (size_t)ASN1_object_size(1, n_a + n_b, V_ASN1_SEQUENCE) == n_key;

	OPENSSL_free(a);
	OPENSSL_free(b);
	X509_ALGOR_free(alg);
	ASN1_BIT_STRING_free(bits);
	return is;
}

/* RFC 5280, 4.1: [0] version, five values, the key, [1] and [2] which nobody has, [3] extensions. */
static bool read_to_be_signed(const uint8_t *p, const uint8_t *end, struct parts *ret)
{
	const uint8_t *inner, *all = p;
	int i;

	if (enter(&all, end, 0, V_ASN1_CONTEXT_SPECIFIC, &inner))
		p = inner;
	for (i = 0; i < 5; i++) {
		if (!skip(&p, end))
			return false;
	}
	ret->key = p;
	if (!enter(&p, end, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &inner))
		return false;
	ret->n_key = (size_t)(inner - ret->key);
	if (!is_der_key(p, inner, ret->n_key))
		return false;
	p = inner;
	if (p == end)
		return true;
	if (!enter(&p, end, 3, V_ASN1_CONTEXT_SPECIFIC, &inner) || inner != end)
		return false;
	all = p;
	ret->extensions = d2i_X509_EXTENSIONS(NULL, &all, end - p);
	return ret->extensions && all == end;
}

/* @p is DER of RATLS_MAX bytes at most. */
static bool read_parts(const uint8_t *p, size_t n, struct parts *ret)
{
	const uint8_t *whole = p + n, *end, *inner, *at;

	if (!enter(&p, whole, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &end) || end != whole)
		return false;
	at = p;
	if (!enter(&at, end, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, &inner) ||
	    !read_to_be_signed(at, inner, ret))
		return false;
	at = inner;
	return skip(&at, end) && skip(&at, end) && at == end;
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
static int read_extension(const struct parts *x, const char *oid, struct ratls_bytes *ret)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = object ? X509v3_get_ext_by_OBJ(x->extensions, object, -1) : -1, rc = 0;
	const ASN1_OCTET_STRING *outer;
	ASN1_OCTET_STRING *inner = NULL;
	const uint8_t *p;
	int n;

	if (at >= 0) {
		outer = X509_EXTENSION_get_data(X509v3_get_ext(x->extensions, at));
		p = ASN1_STRING_get0_data(outer);
		n = ASN1_STRING_length(outer);
		inner = d2i_ASN1_OCTET_STRING(NULL, &p, n);
		if (!inner || !is_der(inner, ASN1_STRING_get0_data(outer), (size_t)n) ||
		    X509v3_get_ext_by_OBJ(x->extensions, object, at) >= 0)
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

static int read_extensions(const struct parts *x, struct ratls *r, struct ratls_bytes *usage)
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

static int read_der(const uint8_t *p, size_t n, struct ratls *r)
{
	struct ratls_bytes usage = { NULL, 0 };
	struct parts x = { .extensions = NULL };
	int rc = read_parts(p, n, &x) ? 0 : -1;

	if (rc == 0) {
		r->key = (struct ratls_bytes){ xmemdup(x.key, x.n_key), x.n_key };
		rc = read_extensions(&x, r, &usage);
	}
	if (rc == 0)
		rc = take_usage(&usage, r->usage);
	if (rc == 0)
		rc = unpack_log(&r->event_log);
	sk_X509_EXTENSION_pop_free(x.extensions, X509_EXTENSION_free);
	free(usage.p);
	ERR_clear_error();
	return rc;
}

/* DER, or PEM, of which the first certificate counts. */
static int read_any(const uint8_t *p, size_t n, struct ratls *r)
{
	BIO *b = n > 0 && *p != 0x30 ? BIO_new_mem_buf(p, (int)n) : NULL;
	uint8_t *der = NULL;
	long n_der = 0;
	int rc = -1;

	if (n > 0 && !b)
		return read_der(p, n, r);
	if (b && pem_certificate(b, &der, &n_der))
		rc = read_der(der, (size_t)n_der, r);
	OPENSSL_free(der);
	BIO_free(b);
	ERR_clear_error();
	return rc;
}

int ratls_read(const void *p, size_t n, struct ratls *ret, struct err *e)
{
	struct ratls r = { .key = { NULL, 0 } };

	if (n > RATLS_MAX || read_any(p, n, &r) < 0) {
		ratls_deinit(&r);
		return err_set(e, ERR_INPUT,
			       "certificate: it has no form that is known, or its key or an "
			       "extension is broken, or twice there");
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
