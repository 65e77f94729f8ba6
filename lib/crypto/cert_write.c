/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cert_write.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/pem.h"

enum { SERIAL_SIZE = 20, KEY_ID_SIZE = 20 };

static const int64_t time_max = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

DEFINE_AUTO(X509 *, x509, X509_free);
DEFINE_AUTO(EVP_PKEY *, pkey, EVP_PKEY_free);
DEFINE_AUTO(BIO *, bio, BIO_free_all);
DEFINE_AUTO(GENERAL_NAMES *, names, GENERAL_NAMES_free);
#define auto_cert  __attribute__((cleanup(auto_x509_fn)))
#define auto_pkey  __attribute__((cleanup(auto_pkey_fn)))
#define auto_bio   __attribute__((cleanup(auto_bio_fn)))
#define auto_names __attribute__((cleanup(auto_names_fn)))

static int refused(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	int rc = err_set(e, ERR_CRYPTO, "certificate: %s: %s", what, why ? why : "refused");

	ERR_clear_error();
	return rc;
}

/* One part of a distinguished name.  By its own type, so that X.520's upper bounds do not count: dstack has none. */
static int add_part(X509_NAME *name, int nid, const struct cert_text *t, struct err *e)
{
	size_t i;

	if (!t->p)
		return 0;
	for (i = 0; i < t->n && (uint8_t)t->p[i] >= ' ' && t->p[i] != 0x7f; i++)
		;
	if (i < t->n || t->n > CERT_WRITE_NAME_MAX || !str_is_utf8(t->p, t->n)) {
		return err_set(e, ERR_INPUT,
			       "certificate: its name must be UTF-8 text of at most %d bytes",
			       CERT_WRITE_NAME_MAX);
	}
	if (!X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING, (const uint8_t *)t->p,
					(int)t->n, -1, 0))
		return refused(e, "its name");
	return 0;
}

/* Takes @s over. */
static int add_name(GENERAL_NAMES *list, int type, ASN1_STRING *s)
{
	GENERAL_NAME *g = GENERAL_NAME_new();

	if (!g || !s) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(s);
		return -1;
	}
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(list, g) > 0)
		return 0;
	GENERAL_NAME_free(g);
	return -1;
}

static ASN1_STRING *string_of(int type, const void *p, size_t n)
{
	ASN1_STRING *s = ASN1_STRING_type_new(type);

	if (s && !ASN1_STRING_set(s, p, (int)n)) {
		ASN1_STRING_free(s);
		s = NULL;
	}
	return s;
}

static int add_alt_name(GENERAL_NAMES *list, const struct cert_text *t, struct err *e)
{
	char text[CERT_WRITE_NAME_MAX + 1] = "";
	uint8_t ip[sizeof(struct in6_addr)];
	size_t i, n_ip = 0;
	int rc;

	for (i = 0; i < t->n && t->p[i] > ' ' && t->p[i] < 0x7f; i++)
		;
	if (t->n == 0 || t->n > CERT_WRITE_NAME_MAX || i < t->n) {
		return err_set(
			e, ERR_INPUT,
			"certificate: an alternative name must be 1 to %d bytes of visible ASCII",
			CERT_WRITE_NAME_MAX);
	}
	memcpy(text, t->p, t->n);
	if (inet_pton(AF_INET, text, ip) == 1)
		n_ip = sizeof(struct in_addr);
	else if (inet_pton(AF_INET6, text, ip) == 1)
		n_ip = sizeof(struct in6_addr);
	if (n_ip)
		rc = add_name(list, GEN_IPADD, string_of(V_ASN1_OCTET_STRING, ip, n_ip));
	else
		rc = add_name(list, GEN_DNS, string_of(V_ASN1_IA5STRING, t->p, t->n));
	return rc < 0 ? refused(e, "an alternative name") : 0;
}

static int add_alt_names(X509 *x, const struct cert_write_args *a, struct err *e)
{
	auto_names GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	size_t i;
	int rc = list ? 0 : -ENOMEM;

	if (a->n_alt_names > CERT_WRITE_ALT_NAMES_MAX)
		return err_set(e, ERR_INPUT, "certificate: more than %d alternative names",
			       CERT_WRITE_ALT_NAMES_MAX);
	for (i = 0; rc == 0 && i < a->n_alt_names; i++)
		rc = add_alt_name(list, &a->alt_names[i], e);
	if (rc < 0 || a->n_alt_names == 0)
		return rc;
	return X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1
		       ? 0
		       : refused(e, "its alternative names");
}

static struct digest256 key_digest(const X509 *x)
{
	struct digest256 d = { .b = { 0 } };
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (n > 0)
		d = digest256_bytes(der, (size_t)n);
	OPENSSL_free(der);
	return d;
}

/* Whose key signed it: the issuer's identifier, or the one that it would have. */
static int add_issuer_id(X509 *x, X509 *issuer, struct err *e)
{
	const ASN1_OCTET_STRING *have = X509_get0_subject_key_id(issuer);
	struct digest256 d = key_digest(issuer);
	AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
	int rc = -1;

	if (id)
		id->keyid = have ? ASN1_OCTET_STRING_dup(have)
				 : string_of(V_ASN1_OCTET_STRING, d.b, KEY_ID_SIZE);
	if (id && id->keyid &&
	    X509_add1_ext_i2d(x, NID_authority_key_identifier, id, 0, X509V3_ADD_DEFAULT) == 1)
		rc = 0;
	AUTHORITY_KEYID_free(id);
	return rc < 0 ? refused(e, "its issuer's identifier") : 0;
}

/* An extension by OpenSSL's own notation. */
static int add_said(X509 *x, int nid, const char *value, struct err *e)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int rc = ext && X509_add_ext(x, ext, -1) ? 0 : refused(e, value);

	X509_EXTENSION_free(ext);
	return rc;
}

static int add_purpose(X509 *x, const struct cert_write_args *a, struct err *e)
{
	static const char *const uses[2][2] = { { NULL, "clientAuth" },
						{ "serverAuth", "serverAuth,clientAuth" } };
	const char *use = uses[a->for_server][a->for_client];
	int rc = add_said(x, NID_key_usage,
			  a->is_ca ? "critical,digitalSignature,keyCertSign,cRLSign"
				   : "critical,digitalSignature",
			  e);

	return rc == 0 && use ? add_said(x, NID_ext_key_usage, use, e) : rc;
}

static int add_ca(X509 *x, const struct cert_write_args *a, struct err *e)
{
	struct digest256 d = key_digest(x);
	ASN1_OCTET_STRING *id = string_of(V_ASN1_OCTET_STRING, d.b, KEY_ID_SIZE);
	char text[64];
	int rc = id && X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0,
					 X509V3_ADD_DEFAULT) == 1
			 ? 0
			 : -1;

	ASN1_OCTET_STRING_free(id);
	if (rc < 0)
		return refused(e, "its own identifier");
	(void)str_format(text, sizeof(text), "critical,CA:TRUE,pathlen:%u", a->path_length);
	return add_said(x, NID_basic_constraints, text, e);
}

static int add_subtree(STACK_OF(GENERAL_SUBTREE) * *list, int type, ASN1_STRING *value)
{
	GENERAL_SUBTREE *t = value ? GENERAL_SUBTREE_new() : NULL;

	if (!*list)
		*list = sk_GENERAL_SUBTREE_new_null();
	if (!t || !*list || !sk_GENERAL_SUBTREE_push(*list, t)) {
		GENERAL_SUBTREE_free(t);
		ASN1_STRING_free(value);
		return -ENOMEM;
	}
	GENERAL_NAME_set0_value(t->base, type, value);
	return 0;
}

/* RFC 5280, 4.2.1.10: what is not said of a kind of names allows all of it, so addresses are left out by networks of all. */
static int add_constraints(X509 *x, const struct cert_write_args *a, struct err *e)
{
	static const uint8_t all[2 * sizeof(struct in6_addr)];
	NAME_CONSTRAINTS *c = NAME_CONSTRAINTS_new();
	size_t i;
	int rc = c ? 0 : -ENOMEM;

	for (i = 0; i < a->n_permitted && !rc; i++)
		rc = add_subtree(&c->permittedSubtrees, GEN_DNS,
				 string_of(V_ASN1_IA5STRING, a->permitted[i].p, a->permitted[i].n));
	if (!rc)
		rc = add_subtree(&c->excludedSubtrees, GEN_IPADD,
				 string_of(V_ASN1_OCTET_STRING, all, 2 * sizeof(struct in_addr)));
	if (!rc)
		rc = add_subtree(&c->excludedSubtrees, GEN_IPADD,
				 string_of(V_ASN1_OCTET_STRING, all, sizeof(all)));
	if (!rc && X509_add1_ext_i2d(x, NID_name_constraints, c, 1, X509V3_ADD_DEFAULT) != 1)
		rc = -EINVAL;
	NAME_CONSTRAINTS_free(c);
	return rc ? refused(e, "the names that it may sign for") : 0;
}

/* The content in an OCTET STRING, in the extension's own. */
static int add_extension(X509 *x, const struct cert_extension *c, struct err *e)
{
	ASN1_OCTET_STRING *inner = string_of(V_ASN1_OCTET_STRING, c->p, c->n), *outer = NULL;
	ASN1_OBJECT *oid = OBJ_txt2obj(c->oid, 1);
	X509_EXTENSION *ext = NULL;
	uint8_t *der = NULL;
	int n = inner ? i2d_ASN1_OCTET_STRING(inner, &der) : -1, rc = -1;

	if (n > 0)
		outer = string_of(V_ASN1_OCTET_STRING, der, (size_t)n);
	if (outer && oid)
		ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, outer);
	if (ext && X509_add_ext(x, ext, -1))
		rc = 0;
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(outer);
	ASN1_OCTET_STRING_free(inner);
	OPENSSL_free(der);
	return rc < 0 ? refused(e, c->oid) : 0;
}

static int add_extensions(X509 *x, const struct cert_write_args *a, X509 *issuer, struct err *e)
{
	int rc = issuer ? add_issuer_id(x, issuer, e) : 0;
	size_t i;

	if (rc == 0)
		rc = add_alt_names(x, a, e);
	if (rc == 0)
		rc = add_purpose(x, a, e);
	if (rc == 0 && a->is_ca)
		rc = add_ca(x, a, e);
	if (rc == 0 && a->n_permitted)
		rc = add_constraints(x, a, e);
	for (i = 0; rc == 0 && i < a->n_extensions; i++)
		rc = add_extension(x, &a->extensions[i], e);
	return rc;
}

static int set_dates(X509 *x, const struct cert_write_args *a, const X509 *issuer, struct err *e)
{
	if (a->not_before < 0 || a->not_after > time_max || a->not_before >= a->not_after)
		return err_set(e, ERR_INPUT,
			       "certificate: it must end after it begins, before the year 10000");
	if (!ASN1_TIME_set(X509_getm_notBefore(x), a->not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), a->not_after))
		return refused(e, "its dates");
	if (!issuer || ASN1_TIME_compare(X509_get0_notAfter(issuer), X509_get0_notAfter(x)) >= 0)
		return 0;
	if (ASN1_TIME_compare(X509_get0_notAfter(issuer), X509_get0_notBefore(x)) <= 0)
		return err_set(e, ERR_INPUT, "certificate: its issuer ends before it begins");
	return X509_set1_notAfter(x, X509_get0_notAfter(issuer)) ? 0 : refused(e, "its dates");
}

/* The subject's key, in the one form that p256_spki_read() takes. */
static int set_key(X509 *x, const struct cert_write_args *a, struct err *e)
{
	uint8_t spki[P256_SPKI], point[P256_POINT];
	const uint8_t *at = spki;
	auto_pkey EVP_PKEY *key = NULL;

	if (a->key && (a->n_key != P256_SPKI || p256_spki_read(a->key, a->n_key, point, NULL) < 0))
		return err_set(e, ERR_INPUT, "certificate: its key is not one of P-256");
	if (a->key)
		memcpy(spki, a->key, sizeof(spki));
	else
		p256_key_spki(a->issuer_key, spki);
	key = d2i_PUBKEY(NULL, &at, sizeof(spki));
	return key && X509_set_pubkey(x, key) ? 0 : refused(e, "its key");
}

/* The first of a PEM text, and with @key as its own. */
static int read_issuer(const char *pem, EVP_PKEY *key, X509 **ret, struct err *e)
{
	auto_bio BIO *b = BIO_new_mem_buf(pem, -1);
	uint8_t *der = NULL;
	const uint8_t *at;
	long n = 0;

	if (b && pem_certificate(b, &der, &n)) {
		at = der;
		*ret = d2i_X509(NULL, &at, n);
	}
	OPENSSL_free(der);
	ERR_clear_error();
	if (!*ret)
		return err_set(e, ERR_INPUT, "certificate: its issuer's is no PEM certificate");
	if (X509_check_private_key(*ret, key) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "certificate: the key is not that of its issuer");
	}
	return 0;
}

/* Out of all that is to be signed, so that no two certificates of an issuer have the same. */
static int set_serial(X509 *x, struct err *e)
{
	ASN1_INTEGER *serial = X509_get_serialNumber(x);
	struct digest256 d;
	uint8_t *der = NULL;
	BIGNUM *number;
	int n, rc;

	n = i2d_re_X509_tbs(x, &der);
	if (n <= 0)
		return refused(e, "its serial number");
	d = digest256_bytes(der, (size_t)n);
	OPENSSL_free(der);
	d.b[0] = (uint8_t)((d.b[0] & 0x7f) | 0x40); /* positive, and always of 20 bytes */
	number = BN_bin2bn(d.b, SERIAL_SIZE, NULL);
	rc = number && BN_to_ASN1_INTEGER(number, serial) ? 0 : refused(e, "its serial number");
	BN_free(number);
	return rc;
}

static int append_pem(X509 *x, struct buf *ret, struct err *e)
{
	auto_bio BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	if (!b || !PEM_write_bio_X509(b, x))
		return refused(e, "writing it");
	n = BIO_get_mem_data(b, &p);
	n = buf_add(ret, p, (size_t)n);
	return n < 0 ? err_set(e, (int)n, "certificate: too long") : 0;
}

static int fill(X509 *x, const struct cert_write_args *a, X509 *issuer, struct err *e)
{
	int rc = X509_set_version(x, X509_VERSION_3) ? 0 : refused(e, "its version");

	if (rc == 0)
		rc = set_key(x, a, e);
	if (rc == 0)
		rc = add_part(X509_get_subject_name(x), NID_organizationName, &a->organisation, e);
	if (rc == 0)
		rc = add_part(X509_get_subject_name(x), NID_commonName, &a->common_name, e);
	if (rc == 0 && !X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x)))
		rc = refused(e, "its issuer's name");
	if (rc == 0)
		rc = set_dates(x, a, issuer, e);
	if (rc == 0 && !ASN1_INTEGER_set(X509_get_serialNumber(x), 1))
		rc = refused(e, "its serial number");
	return rc == 0 ? add_extensions(x, a, issuer, e) : rc;
}

int cert_write(const struct cert_write_args *a, struct buf *ret, struct err *e)
{
	auto_pkey EVP_PKEY *key = p256_key_evp(a->issuer_key);
	auto_cert X509 *issuer = NULL;
	auto_cert X509 *x = X509_new();
	int rc = key && x ? 0 : refused(e, "making one");

	if (rc == 0 && a->issuer_cert)
		rc = read_issuer(a->issuer_cert, key, &issuer, e);
	if (rc == 0)
		rc = fill(x, a, issuer, e);
	if (rc == 0 && !issuer && X509_check_private_key(x, key) != 1)
		rc = err_set(e, ERR_INPUT, "certificate: it is to sign itself, with another's key");
	/* the first says by which algorithm, without which there are no bytes to take a serial number of */
	if (rc == 0 && X509_sign(x, key, EVP_sha256()) <= 0)
		rc = refused(e, "signing it");
	if (rc == 0)
		rc = set_serial(x, e);
	if (rc == 0 && X509_sign(x, key, EVP_sha256()) <= 0)
		rc = refused(e, "signing it");
	return rc == 0 ? append_pem(x, ret, e) : rc;
}
