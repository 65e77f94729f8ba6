/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "crypto/ecdsa.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/str.h"

/* RFC 6979, A.2.5: P-256, SHA-256, message "sample". */
static const char key_hex[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
			      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char signature_hex[] =
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char order_hex[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static uint8_t key[ECDSA_P256_KEY], signature[ECDSA_P256_SIGNATURE];

static bool holds(const uint8_t *k, const uint8_t *s)
{
	return ecdsa_p256_verify(k, s, "sample", 6);
}

static void test_a_signature_of_the_standard(void)
{
	assert(holds(key, signature));
	assert(!ecdsa_p256_verify(key, signature, "sampl", 5));
	assert(!ecdsa_p256_verify(key, signature, "", 0));
}

static void test_any_bit_counts(void)
{
	uint8_t other[ECDSA_P256_KEY];
	size_t i;

	for (i = 0; i < 8 * sizeof(signature); i += 3) {
		memcpy(other, signature, sizeof(other));
		other[i / 8] ^= (uint8_t)(1u << i % 8);
		assert(!holds(key, other));
		memcpy(other, key, sizeof(other));
		other[i / 8] ^= (uint8_t)(1u << i % 8);
		assert(!holds(other, signature)); /* as a rule not on the curve */
		assert(!ecdsa_key_new(other));
	}
}

static void test_numbers_out_of_range(void)
{
	uint8_t other[ECDSA_P256_SIGNATURE], order[32];
	size_t half;

	assert(str_unhex(order, sizeof(order), order_hex) == 0);
	for (half = 0; half < 2; half++) {
		memcpy(other, signature, sizeof(other));
		memset(other + 32 * half, 0, 32);
		assert(!holds(key, other));
		memcpy(other + 32 * half, order, 32);
		assert(!holds(key, other));
		memset(other + 32 * half, 0xff, 32);
		assert(!holds(key, other));
	}
	memset(other, 0, sizeof(other));
	assert(!holds(key, other) && !holds(other, signature) && !ecdsa_key_new(other));
	memset(other, 0xff, sizeof(other));
	assert(!holds(other, signature));
}

static void test_a_key_serves_many_times(void)
{
	struct ecdsa_key *k = ecdsa_key_new(key);
	uint8_t other[ECDSA_P256_SIGNATURE];
	int i;

	memcpy(other, signature, sizeof(other));
	other[63] ^= 1;
	assert(k);
	for (i = 0; i < 3; i++) {
		assert(ecdsa_key_verify(k, signature, "sample", 6));
		assert(!ecdsa_key_verify(k, other, "sample", 6));
		assert(!ecdsa_key_verify(k, signature, "simple", 6));
	}
	ecdsa_key_free(k);
	ecdsa_key_free(NULL);
}

/* Raw numbers of a signature that OpenSSL made: some have leading zeros, some a high bit. */
static void sign(EVP_PKEY *pkey, const void *p, size_t n, uint8_t ret[static ECDSA_P256_SIGNATURE])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *at = der;
	size_t n_der = sizeof(der);
	ECDSA_SIG *sig;

	assert(md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey) == 1 &&
	       EVP_DigestSign(md, der, &n_der, p, n) == 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)n_der);
	assert(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32) == 32 &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
}

static void test_numbers_of_all_lengths(void)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	uint8_t point[1 + ECDSA_P256_KEY], s[ECDSA_P256_SIGNATURE];
	bool has_zero = false, has_high = false;
	size_t n = 0;
	int i;

	assert(pkey &&
	       EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					       &n) == 1 &&
	       n == sizeof(point) && point[0] == 4);
	for (i = 0; i < 20000 && !(i > 300 && has_zero && has_high); i++) {
		sign(pkey, &i, sizeof(i), s);
		if (s[0] && s[32] && i > 300)
			continue; /* enough of those */
		assert(ecdsa_p256_verify(point + 1, s, &i, sizeof(i)));
		has_zero = has_zero || !s[0] || !s[32];
		has_high = has_high || s[0] & 0x80 || s[32] & 0x80;
	}
	assert(has_zero && has_high);
	EVP_PKEY_free(pkey);
}

int main(void)
{
	assert(str_unhex(key, sizeof(key), key_hex) == 0);
	assert(str_unhex(signature, sizeof(signature), signature_hex) == 0);
	test_a_signature_of_the_standard();
	test_any_bit_counts();
	test_numbers_out_of_range();
	test_a_key_serves_many_times();
	test_numbers_of_all_lengths();
	return 0;
}
