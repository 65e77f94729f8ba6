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

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/elgz.h"

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

static char *hex_of(const void *p, size_t n)
{
	char *hex = xcalloc(1, 2 * n + 1);

	str_hex(hex, p, n);
	return hex;
}

static void test_words_of_the_issuer(void)
{
	static const struct extension said[] = { { ARC "3", "0403616263" },
						 { ARC "4", "04076b6d733a727063" },
						 { ARC "9", "040190" },
						 { NULL, NULL } };
	struct ratls r;

	assert(read_both(said, &r) == 0 && r.app_id.n == 3 && memcmp(r.app_id.p, "abc", 3) == 0);
	assert(strcmp(r.usage, "kms:rpc") == 0 && r.app_info.n == 1 && !r.attestation.p);
	ratls_deinit(&r);
}

/* A log of @n bytes, packed: as the second extension.  Return: as ratls_read(). */
static int read_packed(size_t n, size_t n_cut, struct ratls *ret)
{
	auto_free char *log = xcalloc(1, n + 1);
	auto_buf struct buf packed = BUF_MAX(64 * 1024), der = BUF_MAX(64 * 1024);
	struct extension list[] = { { ARC "1", "0401aa" }, { ARC "2", NULL }, { NULL, NULL } };
	uint8_t head[] = { 0x04, 0x82, 0, 0 };
	int rc;

	memset(log, '[', n);
	assert(elgz_pack(log, n, &packed) == 0 && packed.n < 0x10000);
	packed.n -= n_cut;
	head[2] = (uint8_t)(packed.n >> 8);
	head[3] = (uint8_t)packed.n;
	if (packed.n < 0x80) { /* DER has one form for each length */
		head[1] = (uint8_t)packed.n;
		assert(buf_add(&der, head, 2) == 0);
	} else {
		head[1] = 0x81;
		head[2] = (uint8_t)packed.n;
		assert(packed.n < 0x100 && buf_add(&der, head, 3) == 0);
	}
	assert(buf_add(&der, packed.p, packed.n) == 0);
	list[1].hex = hex_of(der.p, der.n);
	rc = read_both(list, ret);
	free(mem_unconst(list[1].hex));
	return rc;
}

static void test_a_packed_log_is_unpacked(void)
{
	static const struct extension broken[][2] = {
		{ { ARC "2", "0406454c475a7631" }, { NULL, NULL } }, /* nothing after the word */
		{ { ARC "2", "0408454c475a763178da" }, { NULL, NULL } }, /* zlib and not gzip */
	};
	struct ratls r;

	assert(read_packed(100, 0, &r) == 0 && r.event_log.n == 100 && r.event_log.p[99] == '[');
	ratls_deinit(&r);
	assert(read_packed(RATLS_EVENT_LOG_MAX, 0, &r) == 0 &&
	       r.event_log.n == RATLS_EVENT_LOG_MAX);
	ratls_deinit(&r);
	assert(read_packed(RATLS_EVENT_LOG_MAX + 1, 0, &r) == ERR_INPUT);
	assert(read_packed(100, 1, &r) == ERR_INPUT);
	assert(read_both(broken[0], &r) == ERR_INPUT && read_both(broken[1], &r) == ERR_INPUT);
}

static void test_lies_are_refused(void)
{
	static const struct extension lies[][3] = {
		{ { ARC "8", "0401" }, { NULL, NULL } },
		{ { ARC "8", "040101ff" }, { NULL, NULL } },
		{ { ARC "8", "0c0101" }, { NULL, NULL } },
		{ { ARC "8", "04847fffffff00" }, { NULL, NULL } },
		{ { ARC "1", "040101" }, { ARC "1", "040101" }, { NULL, NULL } },
		{ { ARC "3", "040101" }, { ARC "3", "040101" }, { NULL, NULL } },
		{ { ARC "4", "040161" }, { ARC "4", "040161" }, { NULL, NULL } },
		{ { ARC "9", "040190" }, { ARC "9", "040190" }, { NULL, NULL } },
		{ { ARC "4", "0403610062" },
		  { NULL, NULL } }, /* a usage that C would read as another */
		{ { ARC "4", "0403610a62" }, { NULL, NULL } },
		{ { ARC "4", "0403c3a962" }, { NULL, NULL } },
		{ { ARC "3", "04036161" }, { NULL, NULL } },
		{ { ARC "3", "2406040161040162" }, { NULL, NULL } }, /* in pieces, as BER may */
		{ { ARC "3", "04810161" }, { NULL, NULL } }, /* a longer length than DER has */
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
	test_words_of_the_issuer();
	test_a_packed_log_is_unpacked();
	test_lies_are_refused();
	test_what_is_no_certificate();
	return 0;
}
