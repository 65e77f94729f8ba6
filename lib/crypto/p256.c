/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DER is read and written here, by the few forms there are: what is hashed into keys must not depend on a
 * library's taste, and OpenSSL's decoders cost several times the arithmetic.
 */
#include "crypto/p256.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/ecdsa.h"
#include "crypto/p256_der.h"
#include "crypto/pem.h"

enum { NUMBER = 32, PEM_LINE = 64 };

void p256_key_wipe(struct p256_key *k)
{
	secret_wipe(k, sizeof(*k));
}

static EC_GROUP *group; /* never freed, never changed */

static void make_group(void)
{
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (!group)
		abort(); /* an OpenSSL without this curve */
}

/* The point of a scalar between 0 and the order.  Return: was it one? */
static bool multiply(const BIGNUM *d, uint8_t ret[static P256_POINT])
{
	EC_POINT *point = EC_POINT_new(group);
	bool is_made = point && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(group)) < 0 &&
		       EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1 &&
		       EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, ret,
					  P256_POINT, NULL) == P256_POINT;

	EC_POINT_free(point);
	return is_made;
}

int p256_key_from_scalar(const struct secret32 *d, struct p256_key *ret, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	auto_p256_key struct p256_key k = { .d = *d };
	BIGNUM *number = BN_new();
	bool is_key;

	(void)pthread_once(&once, make_group);
	if (number)
		BN_set_flags(number, BN_FLG_CONSTTIME);
	is_key = number && BN_bin2bn(d->b, NUMBER, number) && multiply(number, k.point);
	BN_clear_free(number);
	ERR_clear_error();
	if (!is_key)
		return err_set(e, ERR_CRYPTO, "no key of P-256: 0, or not less than its order");
	*ret = k;
	return 0;
}

int p256_key_random(struct p256_key *ret, struct err *e)
{
	auto_secret struct secret32 d;
	int rc = ERR_CRYPTO, i;

	for (i = 0; i < 8 && rc < 0; i++) { /* one in 2^32 is none */
		secret_random(d.b, sizeof(d.b));
		rc = p256_key_from_scalar(&d, ret, e);
	}
	return rc;
}

void p256_key_der(const struct p256_key *k, uint8_t ret[static P256_PKCS8])
{
	p256_der_write_key(&k->d, k->point, ret);
}

int p256_key_from_der(const void *p, size_t n, struct p256_key *ret, struct err *e)
{
	auto_p256_key struct p256_key k;
	const uint8_t *scalar, *point;
	auto_secret struct secret32 d;

	if (n > P256_READ_MAX || !p256_der_read_key(p, n, &scalar, &point))
		return err_set(e, ERR_INPUT, "private key: expected PKCS#8 of a key of P-256");
	memcpy(d.b, scalar, sizeof(d.b));
	if (p256_key_from_scalar(&d, &k, NULL) < 0)
		return err_set(e, ERR_INPUT, "private key: its number is none of P-256");
	if (point && !secret_equal(point, k.point, P256_POINT))
		return err_set(e, ERR_INPUT, "private key: its public half belongs to another");
	*ret = k;
	return 0;
}

int p256_key_from_pem(const char *text, size_t n, struct p256_key *ret, struct err *e)
{
	BIO *b = n <= P256_READ_MAX ? BIO_new_mem_buf(text, (int)n) : NULL;
	uint8_t *der = NULL;
	long n_der = 0;
	int rc;

	if (b && pem_private_key(b, &der, &n_der))
		rc = p256_key_from_der(der, (size_t)n_der, ret, e);
	else
		rc = err_set(e, ERR_INPUT,
			     "private key: expected PEM, \"PRIVATE KEY\", no password");
	OPENSSL_clear_free(der, (size_t)n_der);
	BIO_free(b);
	ERR_clear_error();
	return rc;
}

char *p256_key_pem(const struct p256_key *k)
{
	auto_secret_buf struct buf base64 = { 0 }, text = { 0 };
	uint8_t der[P256_PKCS8];
	size_t at, n;

	p256_key_der(k, der);
	if (secret_buf_init(&base64, P256_PEM_MAX) < 0 || secret_buf_init(&text, P256_PEM_MAX) < 0)
		abort();
	(void)base64_encode(&base64, der, sizeof(der));
	secret_wipe(der, sizeof(der));
	(void)buf_add_str(&text, "-----BEGIN PRIVATE KEY-----\n");
	for (at = 0; at < base64.n; at += n) {
		n = base64.n - at < PEM_LINE ? base64.n - at : PEM_LINE;
		(void)buf_add(&text, base64.p + at, n);
		(void)buf_add_str(&text, "\n");
	}
	(void)buf_add_str(&text, "-----END PRIVATE KEY-----\n");
	return buf_take_str(&text);
}

/* OpenSSL takes numbers in the machine's order. */
static void reverse(const uint8_t *p, uint8_t ret[static NUMBER])
{
	size_t i;

	for (i = 0; i < NUMBER; i++)
		ret[i] = p[NUMBER - 1 - i];
}

EVP_PKEY *p256_key_evp(const struct p256_key *k)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t number[NUMBER], point[P256_POINT];
	char name[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, number, sizeof(number)),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *pkey = NULL;

	reverse(k->d.b, number);
	memcpy(point, k->point, sizeof(point));
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	secret_wipe(number, sizeof(number));
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return pkey;
}

void p256_key_spki(const struct p256_key *k, uint8_t ret[static P256_SPKI])
{
	p256_der_write_spki(k->point, ret);
}

int p256_spki_read(const void *p, size_t n, uint8_t ret[static P256_POINT], struct err *e)
{
	const uint8_t *point = p256_der_read_spki(p, n);
	struct ecdsa_key *k = point ? ecdsa_key_new(point + 1) : NULL;

	if (!k)
		return err_set(e, ERR_INPUT, "public key: expected one of P-256, uncompressed");
	ecdsa_key_free(k);
	memcpy(ret, point, P256_POINT);
	return 0;
}

int p256_sign(const struct p256_key *k, const void *p, size_t n,
	      uint8_t ret[static P256_SIGNATURE_MAX], struct err *e)
{
	struct digest256 d = digest256_bytes(p, n);
	size_t n_sig = P256_SIGNATURE_MAX;
	EVP_PKEY *pkey = p256_key_evp(k);
	EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	bool is_signed = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
			 EVP_PKEY_sign(ctx, ret, &n_sig, d.b, sizeof(d.b)) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_signed ? (int)n_sig : err_set(e, ERR_CRYPTO, "signing with a key of P-256");
}

bool p256_verify(const void *spki, size_t n_spki, const void *sig, size_t n_sig, const void *p,
		 size_t n)
{
	const uint8_t *point = p256_der_read_spki(spki, n_spki);
	uint8_t raw[ECDSA_P256_SIGNATURE];

	return point && p256_der_read_signature(sig, n_sig, raw) &&
	       ecdsa_p256_verify(point + 1, raw, p, n);
}
