/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing here depends on anybody's bytes: what OpenSSL refuses is a lack of memory or a mistake of ours,
 * and ends the program.
 */
#include "simulator/sim_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "crypto/digest.h"

enum { NUMBER = 32, POINT = 1 + ECDSA_P256_KEY };

static void must(int ok)
{
	if (!ok)
		abort();
}

static EVP_PKEY *make(const EC_GROUP *group, const BIGNUM *scalar)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EC_POINT *point = EC_POINT_new(group);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	uint8_t raw[POINT];

	must(ctx && build && point && EC_POINT_mul(group, point, scalar, NULL, NULL, NULL));
	must(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, raw, sizeof(raw),
				NULL) == sizeof(raw));
	must(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
	     OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) &&
	     OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw)));
	params = OSSL_PARAM_BLD_to_param(build);
	must(params && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	EC_POINT_free(point);
	return key;
}

EVP_PKEY *sim_key_new(const uint8_t seed[static 32], const char *label)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *scalar = BN_new();
	uint8_t counter[4] = { 0 };
	EVP_PKEY *key = NULL;

	must(group && scalar);
	for (; !key; counter[3]++) { /* the first is a scalar but for one in 2^32 seeds */
		const struct digest_part parts[] = { { "dstack-mock-p256-v1", 19 },
						     { seed, 32 },
						     { label, strlen(label) },
						     { counter, sizeof(counter) } };
		struct digest256 d = digest256_of(parts, 4);

		must(BN_bin2bn(d.b, sizeof(d.b), scalar) != NULL && counter[3] < UINT8_MAX);
		if (!BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group)) < 0)
			key = make(group, scalar);
	}
	BN_clear_free(scalar);
	EC_GROUP_free(group);
	return key;
}

void sim_key_public(const EVP_PKEY *key, uint8_t ret[static ECDSA_P256_KEY])
{
	uint8_t point[POINT];
	size_t n = 0;

	must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					     &n) == 1 &&
	     n == sizeof(point));
	memcpy(ret, point + 1, ECDSA_P256_KEY);
}

/* Ready to sign; with the nonce of RFC 6979 where OpenSSL (3.2) has it. */
static EVP_MD_CTX *begin(EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;

	must(md && EVP_DigestSignInit(md, &ctx, EVP_sha256(), NULL, key) == 1);
#ifdef OSSL_SIGNATURE_PARAM_NONCE_TYPE
	{
		unsigned int deterministic = 1;
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &deterministic),
			OSSL_PARAM_construct_end(),
		};

		(void)EVP_PKEY_CTX_set_params(ctx, params);
	}
#endif
	return md;
}

void sim_key_sign(EVP_PKEY *key, const void *p, size_t n, uint8_t ret[static ECDSA_P256_SIGNATURE])
{
	EVP_MD_CTX *md = begin(key);
	uint8_t der[128];
	const uint8_t *at = der;
	size_t n_der = sizeof(der);
	ECDSA_SIG *sig;

	must(EVP_DigestSign(md, der, &n_der, p, n) == 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)n_der);
	must(sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, NUMBER) == NUMBER &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + NUMBER, NUMBER) == NUMBER);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
}

void sim_key_sign_cert(EVP_PKEY *key, X509 *x)
{
	EVP_MD_CTX *md = begin(key);

	must(X509_sign_ctx(x, md) > 0);
	EVP_MD_CTX_free(md);
}

void sim_key_sign_crl(EVP_PKEY *key, X509_CRL *x)
{
	EVP_MD_CTX *md = begin(key);

	must(X509_CRL_sign_ctx(x, md) > 0);
	EVP_MD_CTX_free(md);
}
