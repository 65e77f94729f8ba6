/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/err.h"

enum { TEXT_MAX = 1 << 30 };

/* A context that has key, nonce and what is vouched for; NULL if OpenSSL refused. */
static EVP_CIPHER_CTX *begin(const struct secret32 *key, const uint8_t nonce[static AEAD_NONCE],
			     const struct aead_text *t, int is_sealing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	if (ctx &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->b, nonce, is_sealing) == 1 &&
	    (t->n_aad == 0 || EVP_CipherUpdate(ctx, NULL, &n, t->aad, (int)t->n_aad) == 1))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

int aead_seal(const struct secret32 *key, const uint8_t nonce[static AEAD_NONCE],
	      const struct aead_text *plain, uint8_t *ret, struct err *e)
{
	uint8_t none[1];
	EVP_CIPHER_CTX *ctx;
	bool is_done;
	int n = 0;

	if (plain->n > TEXT_MAX || plain->n_aad > TEXT_MAX)
		return err_set(e, ERR_LIMIT, "too large to be sealed: %zu bytes", plain->n);
	ctx = begin(key, nonce, plain, 1);
	is_done =
		ctx &&
		(plain->n == 0 || EVP_EncryptUpdate(ctx, ret, &n, plain->p, (int)plain->n) == 1) &&
		EVP_EncryptFinal_ex(ctx, none, &n) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, ret + plain->n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return is_done ? 0 : err_set(e, ERR_CRYPTO, "AES-256-GCM: OpenSSL refused");
}

int aead_open(const struct secret32 *key, const uint8_t nonce[static AEAD_NONCE],
	      const struct aead_text *sealed, uint8_t *ret, struct err *e)
{
	uint8_t none[1], tag[AEAD_TAG];
	const uint8_t *p = sealed->p;
	EVP_CIPHER_CTX *ctx;
	bool is_done;
	size_t n;
	int n_out = 0;

	if (sealed->n < AEAD_TAG || sealed->n > TEXT_MAX || sealed->n_aad > TEXT_MAX)
		return err_set(e, ERR_INPUT, "sealed bytes: broken, or of another key");
	n = sealed->n - AEAD_TAG;
	memcpy(tag, p + n, sizeof(tag));
	ctx = begin(key, nonce, sealed, 0);
	is_done = ctx && (n == 0 || EVP_DecryptUpdate(ctx, ret, &n_out, p, (int)n) == 1) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) == 1 &&
		  EVP_DecryptFinal_ex(ctx, none, &n_out) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	if (is_done)
		return 0;
	secret_wipe(ret, n);
	return err_set(e, ERR_INPUT, "sealed bytes: broken, or of another key");
}
