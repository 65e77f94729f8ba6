/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "crypto/p256.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/mem.h"
#include "test_hex.h"

/* A KMS root of dstack's tests; the vector that stands on its PKCS#8 is in test-keys_app_keys.c. */
static const char root[] = "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1";
static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static struct p256_key make(void)
{
	struct secret32 d = unhex32(root);
	struct p256_key k;

	assert(p256_key_from_scalar(&d, &k, NULL) == 0);
	return k;
}

/* OpenSSL reads what we write and writes what we read. */
static void test_openssl_takes_our_forms(void)
{
	struct p256_key k = make(), again;
	auto_secret_str char *pem = p256_key_pem(&k);
	BIO *b = BIO_new_mem_buf(pem, (int)strlen(pem)), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	uint8_t der[P256_PKCS8], spki[P256_SPKI], *theirs = NULL;
	char *text = NULL;
	long n;

	assert(pkey && strlen(pem) == 241);
	p256_key_spki(&k, spki);
	assert(i2d_PUBKEY(pkey, &theirs) == P256_SPKI && memcmp(theirs, spki, P256_SPKI) == 0);
	assert(PEM_write_bio_PKCS8PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	n = BIO_get_mem_data(out, &text);
	assert((size_t)n == strlen(pem) && memcmp(text, pem, strlen(pem)) == 0);
	assert(p256_key_from_pem(text, (size_t)n, &again, NULL) == 0);
	assert(memcmp(&k, &again, sizeof(k)) == 0);
	p256_key_der(&k, der);
	assert(p256_key_from_der(der, sizeof(der), &again, NULL) == 0);
	assert(memcmp(&k, &again, sizeof(k)) == 0);
	OPENSSL_free(theirs);
	EVP_PKEY_free(pkey);
	BIO_free(b);
	BIO_free(out);
}

static void test_a_key_becomes_openssls(void)
{
	struct p256_key k = make();
	EVP_PKEY *pkey = p256_key_evp(&k);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t spki[P256_SPKI], sig[P256_SIGNATURE_MAX];
	size_t n = sizeof(sig);

	p256_key_spki(&k, spki);
	assert(pkey && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	       EVP_DigestSign(md, sig, &n, (const uint8_t *)"abc", 3) == 1);
	assert(p256_verify(spki, sizeof(spki), sig, n, "abc", 3));
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
}

/* Without the public half, and with the curve said again. */
static void test_other_forms_that_are_read(void)
{
	static const char *const heads[] = {
		"3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420",
		"304d020100301306072a8648ce3d020106082a8648ce3d030107043330310201010420",
	};
	static const char *const tails[] = { "", "a00a06082a8648ce3d030107" };
	struct p256_key k = make(), again;
	char hex[400];
	size_t i;

	for (i = 0; i < 2; i++) {
		assert(str_format(hex, sizeof(hex), "%s%s%s", heads[i], root, tails[i]) > 0);
		assert(p256_key_from_der(unhex(hex), strlen(hex) / 2, &again, NULL) == 0);
		assert(memcmp(&k, &again, sizeof(k)) == 0);
	}
}

static void test_any_byte_changed_is_refused(void)
{
	struct p256_key k = make(), again;
	uint8_t der[P256_PKCS8 + 1] = { 0 };
	size_t i;

	p256_key_der(&k, der);
	for (i = 0; i < P256_PKCS8; i++) {
		der[i] ^= 0x01;
		assert(p256_key_from_der(der, P256_PKCS8, &again, NULL) == ERR_INPUT);
		der[i] ^= 0x81;
		assert(p256_key_from_der(der, P256_PKCS8, &again, NULL) == ERR_INPUT);
		der[i] ^= 0x80;
		assert(p256_key_from_der(der, i, &again, NULL) == ERR_INPUT);
	}
	assert(p256_key_from_der(der, P256_PKCS8 + 1, &again, NULL) == ERR_INPUT);
	assert(p256_key_from_der(der, P256_PKCS8, &again, NULL) == 0);
}

static void no_pem(const char *text)
{
	struct p256_key k;
	struct err e = ERR_NONE;

	assert(p256_key_from_pem(text, strlen(text), &k, &e) == ERR_INPUT);
	assert(str_starts(e.text, "private key: expected P"));
}

static void test_what_is_no_pem(void)
{
	struct p256_key k = make(), again;
	auto_secret_str char *pem = p256_key_pem(&k);
	auto_free char *big = xcalloc(1, P256_READ_MAX + 2);
	EVP_PKEY *other = EVP_EC_gen("P-384");
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL;

	no_pem("");
	no_pem("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n");
	no_pem("-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n");
	assert(PEM_write_bio_PKCS8PrivateKey(out, other, NULL, NULL, 0, NULL, NULL) == 1);
	assert(BIO_write(out, "", 1) == 1 && BIO_get_mem_data(out, &text) > 0);
	no_pem(text);
	BIO_free(out);
	out = BIO_new(BIO_s_mem()); /* nobody is asked for the password */
	assert(PEM_write_bio_PKCS8PrivateKey(out, other, EVP_aes_128_cbc(), "pw", 2, NULL, NULL));
	assert(BIO_write(out, "", 1) == 1 && BIO_get_mem_data(out, &text) > 0);
	no_pem(text);
	memset(big, ' ', P256_READ_MAX + 1);
	memcpy(big, pem, strlen(pem));
	assert(p256_key_from_pem(big, P256_READ_MAX, &again, NULL) == 0);
	no_pem(big);
	BIO_free(out);
	EVP_PKEY_free(other);
}

static void test_scalars_out_of_range(void)
{
	struct secret32 d = { { 0 } };
	struct p256_key k;
	struct err e = ERR_NONE;

	assert(p256_key_from_scalar(&d, &k, &e) == ERR_CRYPTO && e.code == ERR_CRYPTO);
	d = unhex32(order);
	assert(p256_key_from_scalar(&d, &k, NULL) == ERR_CRYPTO);
	memset(d.b, 0xff, sizeof(d.b));
	assert(p256_key_from_scalar(&d, &k, NULL) == ERR_CRYPTO);
	d = unhex32(order);
	d.b[31]--;
	assert(p256_key_from_scalar(&d, &k, NULL) == 0);
}

static void signs(const struct p256_key *k, const struct p256_key *other)
{
	uint8_t spki[P256_SPKI], another[P256_SPKI], sig[P256_SIGNATURE_MAX];
	int n = p256_sign(k, "abc", 3, sig, NULL), at;

	p256_key_spki(k, spki);
	p256_key_spki(other, another);
	assert(n > 60 && n <= P256_SIGNATURE_MAX);
	assert(p256_verify(spki, sizeof(spki), sig, (size_t)n, "abc", 3));
	assert(!p256_verify(another, sizeof(another), sig, (size_t)n, "abc", 3));
	assert(!p256_verify(spki, sizeof(spki), sig, (size_t)n, "abd", 3));
	assert(!p256_verify(spki, sizeof(spki), sig, (size_t)n - 1, "abc", 3));
	assert(!p256_verify(spki, sizeof(spki) - 1, sig, (size_t)n, "abc", 3));
	assert(!p256_verify(spki, sizeof(spki), NULL, 0, "abc", 3));
	for (at = 0; at < n; at += 5) {
		sig[at] ^= 1;
		assert(!p256_verify(spki, sizeof(spki), sig, (size_t)n, "abc", 3));
		sig[at] ^= 1;
	}
}

static void test_signatures(void)
{
	struct p256_key k, other;
	int i;

	assert(p256_key_random(&k, NULL) == 0 && p256_key_random(&other, NULL) == 0);
	for (i = 0; i < 40; i++) /* of all lengths */
		signs(&k, &other);
}

static void test_public_keys(void)
{
	struct p256_key k = make();
	uint8_t spki[P256_SPKI + 1] = { 0 }, point[P256_POINT];
	struct err e = ERR_NONE;
	size_t i;

	p256_key_spki(&k, spki);
	assert(p256_spki_read(spki, P256_SPKI, point, NULL) == 0);
	assert(memcmp(point, k.point, sizeof(point)) == 0);
	assert(p256_spki_read(spki, P256_SPKI + 1, point, NULL) == ERR_INPUT);
	for (i = 0; i < P256_SPKI; i++) {
		spki[i] ^= 0x01;
		assert(p256_spki_read(spki, P256_SPKI, point, &e) == ERR_INPUT);
		assert(str_equal(e.text, "public key: expected one of P-256, uncompressed"));
		spki[i] ^= 0x01;
		assert(p256_spki_read(spki, i, point, NULL) == ERR_INPUT);
	}
}

int main(void)
{
	test_openssl_takes_our_forms();
	test_a_key_becomes_openssls();
	test_other_forms_that_are_read();
	test_any_byte_changed_is_refused();
	test_what_is_no_pem();
	test_scalars_out_of_range();
	test_signatures();
	test_public_keys();
	return 0;
}
