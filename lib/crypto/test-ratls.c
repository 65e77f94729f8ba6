/* SPDX-License-Identifier: Apache-2.0 */
/* ratls: certificates are made here with OpenSSL, whose reader is the one that is used */
#undef NDEBUG
#include "crypto/ratls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/err.h"

#define ARC "1.3.6.1.4.1.62397.1."

struct extension {
	const char *oid, *hex; /* the extension's value; ends the list if NULL */
};

static void add(X509 *x, const struct extension *x_ext)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(x_ext->oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	long n = 0;
	uint8_t *p = OPENSSL_hexstr2buf(x_ext->hex, &n);
	X509_EXTENSION *ext;

	assert(oid && value && p && ASN1_OCTET_STRING_set(value, p, (int)n));
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
	assert(ext && X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	OPENSSL_free(p);
}

static X509 *make(const struct extension *list)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	assert(key && x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	assert(X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
	       X509_gmtime_adj(X509_getm_notAfter(x), 60));
	assert(X509_set_pubkey(x, key));
	for (; list->oid; list++)
		add(x, list);
	assert(X509_sign(x, key, EVP_sha256()));
	EVP_PKEY_free(key);
	return x;
}

/* Of DER and of PEM the same must be said.  Return: as ratls_read(). */
static int read_both(const struct extension *list, struct ratls *ret)
{
	X509 *x = make(list);
	BIO *b = BIO_new(BIO_s_mem());
	struct ratls other;
	uint8_t *der = NULL;
	char *pem = NULL;
	int n = i2d_X509(x, &der), rc;
	long n_pem;

	assert(n > 0 && b && PEM_write_bio_X509(b, x) && PEM_write_bio_X509(b, x));
	n_pem = BIO_get_mem_data(b, &pem);
	rc = ratls_read(der, (size_t)n, ret, NULL);
	assert(ratls_read(der, (size_t)n - 1, &other, NULL) == ERR_INPUT);
	assert(ratls_read(pem, (size_t)n_pem, &other, NULL) == rc);
	if (rc == 0) {
		assert(other.key.n == ret->key.n &&
		       memcmp(other.key.p, ret->key.p, ret->key.n) == 0);
		ratls_deinit(&other);
	}
	OPENSSL_free(der);
	BIO_free(b);
	X509_free(x);
	return rc;
}

static void test_extensions_are_found(void)
{
	static const struct extension none[] = { { NULL, NULL } };
	static const struct extension all[] = { { ARC "1", "0402aabb" },
						{ ARC "2", "0400" },
						{ ARC "8", "0403010203" },
						{ NULL, NULL } };
	struct ratls r;

	assert(read_both(none, &r) == 0 && r.key.n > 60 && !r.attestation.p && !r.quote.p);
	ratls_deinit(&r);
	assert(read_both(all, &r) == 0);
	assert(r.quote.n == 2 && memcmp(r.quote.p, "\xaa\xbb", 2) == 0);
	assert(r.event_log.n == 0 && r.attestation.n == 3);
	ratls_deinit(&r);
}

static void test_lies_are_refused(void)
{
	static const struct extension lies[][3] = {
		{ { ARC "8", "0401" }, { NULL, NULL } },
		{ { ARC "8", "040101ff" }, { NULL, NULL } },
		{ { ARC "8", "0c0101" }, { NULL, NULL } },
		{ { ARC "8", "04847fffffff00" }, { NULL, NULL } },
		{ { ARC "1", "040101" }, { ARC "1", "040101" }, { NULL, NULL } },
	};
	struct ratls r;
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		assert(read_both(lies[i], &r) == ERR_INPUT);
}

static void test_what_is_no_certificate(void)
{
	static const char encrypted[] = "-----BEGIN CERTIFICATE-----\n"
					"Proc-Type: 4,ENCRYPTED\n"
					"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
					"AAAAAAAAAAAAAAAAAAAAAA==\n"
					"-----END CERTIFICATE-----\n";
	static const uint8_t large[RATLS_MAX + 1] = { 0x30 };
	struct ratls r;

	assert(ratls_read("", 0, &r, NULL) == ERR_INPUT);
	assert(ratls_read("hello", 5, &r, NULL) == ERR_INPUT);
	assert(ratls_read("\x30\x00", 2, &r, NULL) == ERR_INPUT);
	assert(ratls_read(large, sizeof(large), &r, NULL) == ERR_INPUT);
	assert(ratls_read(encrypted, sizeof(encrypted) - 1, &r, NULL) == ERR_INPUT);
}

int main(void)
{
	test_extensions_are_found();
	test_lies_are_refused();
	test_what_is_no_certificate();
	return 0;
}
