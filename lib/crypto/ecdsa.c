/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdsa.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/mem.h"

enum { NUMBER = 32 };

static EVP_PKEY *public_key(const uint8_t key[static ECDSA_P256_KEY])
{
	uint8_t point[1 + ECDSA_P256_KEY] = { 4 }; /* uncompressed */
	char group[] = "prime256v1";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
		OSSL_PARAM_construct_end(),
	};

	memcpy(point + 1, key, ECDSA_P256_KEY);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The DER form that OpenSSL wants; the caller frees with OPENSSL_free(). */
static uint8_t *signature_der(const uint8_t *raw, int *ret_n)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, NUMBER, NULL), *s = BN_bin2bn(raw + NUMBER, NUMBER, NULL);
	uint8_t *der = NULL;

	if (!sig || !r || !s)
		abort(); /* no memory */
	(void)ECDSA_SIG_set0(sig, r, s);
	*ret_n = i2d_ECDSA_SIG(sig, &der);
	ECDSA_SIG_free(sig);
	return der;
}

bool ecdsa_p256_verify(const uint8_t key[static ECDSA_P256_KEY],
		       const uint8_t signature[static ECDSA_P256_SIGNATURE], const void *p,
		       size_t n)
{
	EVP_PKEY *pkey = public_key(key);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int n_der = 0;
	uint8_t *der = signature_der(signature, &n_der);
	bool is_valid;

	is_valid = pkey && md && der && n_der > 0 &&
		   EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		   EVP_DigestVerify(md, der, (size_t)n_der, p, n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_valid;
}
