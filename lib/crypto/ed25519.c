/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "base/err.h"

static EVP_PKEY *private_key(const struct secret32 *seed)
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed->b, sizeof(seed->b));
}

static int ended(bool is_done, struct err *e)
{
	ERR_clear_error();
	return is_done ? 0 : err_set(e, ERR_CRYPTO, "Ed25519: OpenSSL refused");
}

int ed25519_public(const struct secret32 *seed, uint8_t ret[static ED25519_PUBLIC], struct err *e)
{
	EVP_PKEY *pkey = private_key(seed);
	size_t n = ED25519_PUBLIC;
	bool is_done = pkey && EVP_PKEY_get_raw_public_key(pkey, ret, &n) == 1;

	EVP_PKEY_free(pkey);
	return ended(is_done, e);
}

int ed25519_sign(const struct secret32 *seed, const void *p, size_t n,
		 uint8_t ret[static ED25519_SIGNATURE], struct err *e)
{
	EVP_PKEY *pkey = private_key(seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n_sig = ED25519_SIGNATURE;
	bool is_done = pkey && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		       EVP_DigestSign(ctx, ret, &n_sig, p, n) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ended(is_done, e);
}

/* OpenSSL takes any 32 bytes for a key; libsodium's addition wants points. */
static bool is_point(const uint8_t key[static ED25519_PUBLIC])
{
	uint8_t sum[ED25519_PUBLIC];

	return sodium_init() >= 0 && crypto_core_ed25519_add(sum, key, key) == 0;
}

int ed25519_verify(const void *key, size_t n_key, const void *sig, size_t n_sig, const void *p,
		   size_t n, struct err *e)
{
	EVP_PKEY *pkey = NULL;
	EVP_MD_CTX *ctx;
	bool is_valid;

	if (n_key == ED25519_PUBLIC && is_point(key))
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, n_key);
	if (!pkey)
		return err_set(e, ERR_INPUT, "invalid public key");
	if (n_sig != ED25519_SIGNATURE) {
		EVP_PKEY_free(pkey);
		return err_set(e, ERR_INPUT, "invalid signature");
	}
	ctx = EVP_MD_CTX_new();
	is_valid = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		   EVP_DigestVerify(ctx, sig, n_sig, p, n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_valid;
}
