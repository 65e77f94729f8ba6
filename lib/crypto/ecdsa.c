/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What costs beside the curve's arithmetic is OpenSSL's way to a key: EVP_PKEY_fromdata() takes 17 us, a third
 * of a verification.  A key of the group is made once; each further one is its copy with another point (4 us),
 * which OpenSSL checks to be on the curve.  DER of the signature is written here, byte by byte.
 */
#include "crypto/ecdsa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "crypto/digest.h"

enum {
	NUMBER = 32,
	DER_MOST = 2 + 2 * (2 + 1 + NUMBER),
	TAG_INTEGER = 0x02,
	TAG_SEQUENCE = 0x30,
};

struct ecdsa_key {
	EVP_PKEY_CTX *ctx;
};

/* The generator of P-256 (FIPS 186-4, D.1.2.3): any point would do. */
static const uint8_t generator[1 + ECDSA_P256_KEY] = {
	0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
	0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
	0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
	0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
	0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

static EVP_PKEY *of_group; /* never freed, never changed */

static void make_of_group(void)
{
	uint8_t point[sizeof(generator)];
	char group[] = "prime256v1";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	memcpy(point, generator, sizeof(point));
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &of_group, EVP_PKEY_PUBLIC_KEY, params) != 1)
		abort(); /* no memory, or an OpenSSL without this curve: nothing can be verified */
	EVP_PKEY_CTX_free(ctx);
}

struct ecdsa_key *ecdsa_key_new(const uint8_t key[static ECDSA_P256_KEY])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint8_t point[1 + ECDSA_P256_KEY] = { 4 }; /* uncompressed */
	EVP_PKEY_CTX *ctx = NULL;
	struct ecdsa_key *k;
	EVP_PKEY *pkey;

	(void)pthread_once(&once, make_of_group);
	memcpy(point + 1, key, ECDSA_P256_KEY);
	pkey = EVP_PKEY_dup(of_group);
	if (pkey && EVP_PKEY_set1_encoded_public_key(pkey, point, sizeof(point)) == 1)
		ctx = EVP_PKEY_CTX_new(pkey, NULL);
	EVP_PKEY_free(pkey); /* the context has it */
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1) {
		EVP_PKEY_CTX_free(ctx);
		ERR_clear_error();
		return NULL;
	}
	k = xnew(struct ecdsa_key);
	k->ctx = ctx;
	return k;
}

void ecdsa_key_free(struct ecdsa_key *k)
{
	if (!k)
		return;
	EVP_PKEY_CTX_free(k->ctx);
	free(k);
}

/* A positive INTEGER in its shortest form.  Return: where it ends. */
static uint8_t *put_number(uint8_t *at, const uint8_t number[static NUMBER])
{
	size_t from = 0;
	bool is_high;

	while (from < NUMBER - 1 && number[from] == 0)
		from++;
	is_high = number[from] & 0x80;
	*at++ = TAG_INTEGER;
	*at++ = (uint8_t)(NUMBER - from + is_high);
	if (is_high)
		*at++ = 0;
	memcpy(at, number + from, NUMBER - from);
	return at + NUMBER - from;
}

/* The form that OpenSSL wants.  Return: its length. */
static size_t write_der(const uint8_t *raw, uint8_t der[static DER_MOST])
{
	uint8_t *at = put_number(der + 2, raw);

	at = put_number(at, raw + NUMBER);
	der[0] = TAG_SEQUENCE;
	der[1] = (uint8_t)(at - der - 2);
	return (size_t)(at - der);
}

bool ecdsa_key_verify(struct ecdsa_key *k, const uint8_t signature[static ECDSA_P256_SIGNATURE],
		      const void *p, size_t n)
{
	struct digest256 d = digest256_bytes(p, n);
	uint8_t der[DER_MOST];
	size_t n_der = write_der(signature, der);
	bool is_valid = EVP_PKEY_verify(k->ctx, der, n_der, d.b, sizeof(d.b)) == 1;

	if (!is_valid)
		ERR_clear_error();
	return is_valid;
}

bool ecdsa_p256_verify(const uint8_t key[static ECDSA_P256_KEY],
		       const uint8_t signature[static ECDSA_P256_SIGNATURE], const void *p,
		       size_t n)
{
	struct ecdsa_key *k = ecdsa_key_new(key);
	bool is_valid = k && ecdsa_key_verify(k, signature, p, n);

	ecdsa_key_free(k);
	return is_valid;
}
