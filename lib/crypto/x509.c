/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of attestation have a fixed shape: two or three certificates, each signed by the next, the
 * last one known.  They are walked here, rather than given to a path builder that could find another way.
 */
#include "crypto/x509.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/pem.h"

/* Of a date that is missing or none: it never begins, and has ended. */
struct span {
	int64_t from, until;
};

/* What is asked again and again of one that is kept is worked out when it is read. */
struct x509_cert {
	X509 *x;
	struct span span;
	struct digest256 digest;
};

struct x509_crl {
	X509_CRL *x;
	struct span span;
};

static const char *const fault_texts[X509_FAULT_COUNT] = {
	[X509_GOOD] = "good",
	[X509_WRONG_LENGTH] = "not the number of certificates it must have",
	[X509_WRONG_ROOT] = "does not end in the trusted root",
	[X509_WRONG_ISSUER] = "issuer is not the one it must be",
	[X509_WRONG_SIGNATURE] = "signature is not of its issuer",
	[X509_WRONG_USAGE] = "extensions do not allow this use",
	[X509_EXPIRED] = "expired or not yet valid",
};

const char *x509_fault_text(enum x509_fault f)
{
	return f < X509_FAULT_COUNT ? fault_texts[f] : "unknown";
}

static bool time_of(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
}

static struct span span_of(const ASN1_TIME *from, const ASN1_TIME *until)
{
	struct span s = { INT64_MAX, INT64_MIN };
	int64_t a, b;

	if (time_of(from, &a) && time_of(until, &b))
		s = (struct span){ a, b };
	return s;
}

static bool is_in(const struct span *s, int64_t at)
{
	return s->from <= at && at <= s->until;
}

static struct x509_cert *wrap(X509 *x)
{
	struct x509_cert *c = xnew(struct x509_cert);

	c->x = x;
	c->span = span_of(X509_get0_notBefore(x), X509_get0_notAfter(x));
	if (X509_digest(x, EVP_sha256(), c->digest.b, NULL) != 1)
		abort(); /* no memory */
	return c;
}

void x509_cert_free(struct x509_cert *c)
{
	if (!c)
		return;
	X509_free(c->x);
	free(c);
}

static X509 *read_der(const uint8_t *p, size_t n)
{
	const uint8_t *at = p;
	X509 *x = d2i_X509(NULL, &at, (long)n);

	if (x && at != p + n) {
		X509_free(x);
		x = NULL;
	}
	ERR_clear_error();
	return x;
}

/* Are both of the same bytes? */
static bool is_copy(const struct x509_cert *a, const struct x509_cert *b)
{
	return memcmp(a->digest.b, b->digest.b, sizeof(a->digest.b)) == 0;
}

/* A second owner of the same certificate. */
static struct x509_cert *share(const struct x509_cert *c)
{
	struct x509_cert *copy = xmemdup(c, sizeof(*c));

	if (X509_up_ref(c->x) != 1)
		abort(); /* it counts to 2^31 */
	return copy;
}

/* The one of @beside that is these very bytes, else a new one, or NULL. */
static struct x509_cert *of_der(const uint8_t *der, size_t n, const struct x509_chain *beside)
{
	struct digest256 d = digest256_bytes(der, n);
	const uint8_t *at = der;
	size_t i;
	X509 *x;

	for (i = 0; beside && i < beside->n; i++) {
		if (memcmp(beside->certs[i]->digest.b, d.b, sizeof(d.b)) == 0)
			return share(beside->certs[i]);
	}
	x = d2i_X509(NULL, &at, (long)n);
	return x ? wrap(x) : NULL;
}

/* PEM from the BIO; NULL at the end, with *@ret_clean false if that was not for lack of another. */
static struct x509_cert *next_pem(BIO *b, const struct x509_chain *beside, bool *ret_clean)
{
	struct x509_cert *c = NULL;
	unsigned char *der = NULL;
	long n = 0;

	if (pem_certificate(b, &der, &n)) {
		c = of_der(der, (size_t)n, beside);
		OPENSSL_free(der);
		*ret_clean = c != NULL;
	} else {
		*ret_clean = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	}
	ERR_clear_error();
	return c;
}

/* PEM's reader skips what it does not know; a file that merely holds certificates is not one. */
static X509 *read_one_pem(const uint8_t *p, size_t n)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	struct x509_chain chain = { .n = 0 };
	X509 *x = NULL;

	while (n && (*p == ' ' || (*p >= '\t' && *p <= '\r'))) {
		p++;
		n--;
	}
	if (n < sizeof begin || memcmp(p, begin, sizeof begin - 1) != 0 ||
	    x509_chain_read(p, n, &chain, NULL) < 0)
		return NULL;
	if (chain.n == 1) {
		x = chain.certs[0]->x;
		chain.certs[0]->x = NULL;
	}
	x509_chain_deinit(&chain);
	return x;
}

int x509_cert_read(const void *p, size_t n, struct x509_cert **ret, struct err *e)
{
	const uint8_t *at = p;
	X509 *x;

	if (n == 0 || n > X509_TEXT_MAX)
		return err_set(e, ERR_INPUT, "no certificate: %zu bytes", n);
	x = *at == 0x30 ? read_der(at, n) : read_one_pem(at, n);
	if (!x)
		return err_set(e, ERR_INPUT, "not one certificate in DER or PEM");
	*ret = wrap(x);
	return 0;
}

void x509_chain_deinit(struct x509_chain *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		x509_cert_free(c->certs[i]);
	*c = (struct x509_chain){ .n = 0 };
}

int x509_chain_read_beside(const void *p, size_t n, const struct x509_chain *beside,
			   struct x509_chain *ret, struct err *e)
{
	struct x509_chain c = { .n = 0 };
	BIO *b = n <= X509_TEXT_MAX ? BIO_new_mem_buf(n ? p : "", (int)n) : NULL;
	bool clean = b != NULL;
	struct x509_cert *one = NULL;

	while (b && (one = next_pem(b, beside, &clean)) && c.n < X509_CHAIN_MAX)
		c.certs[c.n++] = one;
	BIO_free(b);
	if (one || !clean || c.n == 0) {
		x509_cert_free(one);
		x509_chain_deinit(&c);
		return err_set(e, ERR_INPUT, "not a chain of 1 to %d certificates in PEM",
			       (int)X509_CHAIN_MAX);
	}
	*ret = c;
	return 0;
}

bool x509_chain_is_same(const struct x509_chain *a, const struct x509_chain *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++) {
		if (!is_copy(a->certs[i], b->certs[i]))
			return false;
	}
	return a->n == b->n;
}

static int common_name(const X509_NAME *name, char *dst, size_t size)
{
	int n = X509_NAME_get_text_by_NID(mem_unconst(name), /* history: it only reads */
					  NID_commonName, dst, (int)size);

	return n >= 0 && (size_t)n == strlen(dst) && (size_t)n + 1 < size ? 0 : -EINVAL;
}

int x509_cert_name(const struct x509_cert *c, char *dst, size_t size)
{
	return common_name(X509_get_subject_name(c->x), dst, size);
}

int x509_cert_issuer_name(const struct x509_cert *c, char *dst, size_t size)
{
	return common_name(X509_get_issuer_name(c->x), dst, size);
}

int x509_cert_key(const struct x509_cert *c, uint8_t ret[static ECDSA_P256_KEY])
{
	EVP_PKEY *pkey = X509_get0_pubkey(c->x); /* borrowed */
	uint8_t point[1 + ECDSA_P256_KEY];
	char group[32] = "";
	size_t n = 0;
	bool ok;

	ok = pkey && EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) == 1 &&
	     strcmp(group, "prime256v1") == 0 &&
	     EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
					     &n) == 1 &&
	     n == sizeof point && point[0] == 4;
	ERR_clear_error();
	if (!ok)
		return -EINVAL;
	memcpy(ret, point + 1, ECDSA_P256_KEY);
	return 0;
}

int x509_cert_pck(const struct x509_cert *c, struct pck *ret)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(PCK_EXTENSION_OID, 1);
	int at = X509_get_ext_by_OBJ(c->x, oid, -1);
	bool is_one = at >= 0 && X509_get_ext_by_OBJ(c->x, oid, at) < 0;
	const ASN1_OCTET_STRING *v;

	ASN1_OBJECT_free(oid);
	if (!is_one)
		return -EINVAL;
	v = X509_EXTENSION_get_data(X509_get_ext(c->x, at));
	return pck_parse(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v), ret);
}

/* Those that Intel's parser wants of every certificate. */
static bool has_required_extensions(const X509 *x)
{
	static const int wanted[] = { NID_authority_key_identifier, NID_subject_key_identifier,
				      NID_crl_distribution_points, NID_key_usage,
				      NID_basic_constraints };
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (X509_get_ext_by_NID(x, wanted[i], -1) < 0)
			return false;
	}
	return true;
}

static bool may(const X509 *x, bool as_ca)
{
	X509 *c = mem_unconst(x); /* OpenSSL caches the extensions in it */
	uint32_t flags = X509_get_extension_flags(c), usage = X509_get_key_usage(c);

	if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL) || !has_required_extensions(x))
		return false;
	if (as_ca)
		return (flags & EXFLAG_CA) && (usage & KU_KEY_CERT_SIGN);
	return !(flags & EXFLAG_CA) && (usage & KU_DIGITAL_SIGNATURE);
}

static enum x509_fault check_link(const struct x509_cert *c, const struct x509_cert *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	uint8_t raw[ECDSA_P256_KEY];
	bool is_signed;

	if (X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(issuer->x)) != 0)
		return X509_WRONG_ISSUER;
	is_signed = x509_cert_key(issuer, raw) == 0 &&
		    X509_get_signature_nid(c->x) == NID_ecdsa_with_SHA256 &&
		    X509_verify(c->x, key) == 1;
	ERR_clear_error();
	return is_signed ? X509_GOOD : X509_WRONG_SIGNATURE;
}

bool x509_cert_is_signed(const struct x509_cert *c, const struct x509_cert *issuer)
{
	return check_link(c, issuer) == X509_GOOD;
}

bool x509_cert_is_same(const struct x509_cert *a, const struct x509_cert *b)
{
	uint8_t of_a[ECDSA_P256_KEY], of_b[ECDSA_P256_KEY];

	return X509_NAME_cmp(X509_get_subject_name(a->x), X509_get_subject_name(b->x)) == 0 &&
	       x509_cert_key(a, of_a) == 0 && x509_cert_key(b, of_b) == 0 &&
	       memcmp(of_a, of_b, sizeof of_a) == 0;
}

struct digest256 x509_cert_digest(const struct x509_cert *c)
{
	return c->digest;
}

/* The root is known by its name and its key: @root itself may be an older certificate of it. */
enum x509_fault x509_chain_trust(const struct x509_chain *c, size_t n, const struct x509_cert *root)
{
	enum x509_fault f = X509_GOOD;
	uint8_t key[ECDSA_P256_KEY];
	size_t i;

	if (c->n != n || n == 0)
		return X509_WRONG_LENGTH;
	if (!x509_cert_is_same(c->certs[n - 1], root))
		return X509_WRONG_ROOT;
	for (i = 0; i < n && f == X509_GOOD; i++) {
		/* the very bytes that are trusted need no signature of their own */
		if (i + 1 < n || !is_copy(c->certs[i], root))
			f = check_link(c->certs[i], c->certs[i + 1 < n ? i + 1 : i]);
		if (f == X509_GOOD && !may(c->certs[i]->x, i > 0))
			f = X509_WRONG_USAGE;
	}
	if (f == X509_GOOD && x509_cert_key(c->certs[0], key) < 0)
		f = X509_WRONG_USAGE;
	return f;
}

enum x509_fault x509_chain_dates(const struct x509_chain *c, int64_t at)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (!is_in(&c->certs[i]->span, at))
			return X509_EXPIRED;
	}
	return X509_GOOD;
}

enum x509_fault x509_chain_check(const struct x509_chain *c, size_t n, const struct x509_cert *root,
				 int64_t at)
{
	enum x509_fault f = x509_chain_trust(c, n, root);

	return f == X509_GOOD ? x509_chain_dates(c, at) : f;
}

int64_t x509_chain_until(const struct x509_chain *c)
{
	int64_t first = INT64_MAX;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (c->certs[i]->span.until < first)
			first = c->certs[i]->span.until;
	}
	return c->n ? first : INT64_MIN;
}

int x509_crl_read(const void *p, size_t n, struct x509_crl **ret, struct err *e)
{
	const uint8_t *at = p;
	X509_CRL *x = n && n <= X509_TEXT_MAX ? d2i_X509_CRL(NULL, &at, (long)n) : NULL;

	ERR_clear_error();
	if (!x || at != (const uint8_t *)p + n) {
		X509_CRL_free(x);
		return err_set(e, ERR_INPUT, "not a revocation list in DER");
	}
	*ret = xnew(struct x509_crl);
	(*ret)->x = x;
	(*ret)->span = span_of(X509_CRL_get0_lastUpdate(x), X509_CRL_get0_nextUpdate(x));
	return 0;
}

void x509_crl_free(struct x509_crl *c)
{
	if (!c)
		return;
	X509_CRL_free(c->x);
	free(c);
}

/* Whole and plain: it names its issuer's key, has a number, and nothing that narrows it. */
static bool is_plain(const X509_CRL *x)
{
	int i, n = X509_CRL_get_ext_count(x);

	for (i = 0; i < n; i++) {
		if (X509_EXTENSION_get_critical(X509_CRL_get_ext(x, i)))
			return false;
	}
	return X509_CRL_get_ext_by_NID(x, NID_authority_key_identifier, -1) >= 0 &&
	       X509_CRL_get_ext_by_NID(x, NID_crl_number, -1) >= 0;
}

enum x509_fault x509_crl_trust(const struct x509_crl *c, const struct x509_cert *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	bool is_signed;

	if (X509_NAME_cmp(X509_CRL_get_issuer(c->x), X509_get_subject_name(issuer->x)) != 0)
		return X509_WRONG_ISSUER;
	is_signed = key && X509_CRL_get_signature_nid(c->x) == NID_ecdsa_with_SHA256 &&
		    X509_CRL_verify(c->x, key) == 1;
	ERR_clear_error();
	if (!is_signed)
		return X509_WRONG_SIGNATURE;
	return is_plain(c->x) ? X509_GOOD : X509_WRONG_USAGE;
}

enum x509_fault x509_crl_dates(const struct x509_crl *c, int64_t at)
{
	return is_in(&c->span, at) ? X509_GOOD : X509_EXPIRED;
}

enum x509_fault x509_crl_check(const struct x509_crl *c, const struct x509_cert *issuer, int64_t at)
{
	enum x509_fault f = x509_crl_trust(c, issuer);

	return f == X509_GOOD ? x509_crl_dates(c, at) : f;
}

int64_t x509_crl_from(const struct x509_crl *c)
{
	return c->span.from;
}

int64_t x509_crl_until(const struct x509_crl *c)
{
	return c->span.until;
}

bool x509_crl_lists(const struct x509_crl *c, const struct x509_cert *cert)
{
	X509_REVOKED *found = NULL;
	ASN1_INTEGER *serial = X509_get_serialNumber(cert->x);

	return X509_CRL_get0_by_serial(c->x, &found, serial) != 0;
}
