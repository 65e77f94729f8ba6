/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x25519.h"

#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/err.h"

static EVP_PKEY *private_key(const struct secret32 *secret)
{
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret->b, sizeof(secret->b));
}

int x25519_public(const struct secret32 *secret, uint8_t ret[static X25519_PUBLIC], struct err *e)
{
	EVP_PKEY *pkey = private_key(secret);
	size_t n = X25519_PUBLIC;
	bool is_done = pkey && EVP_PKEY_get_raw_public_key(pkey, ret, &n) == 1;

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_done ? 0 : err_set(e, ERR_CRYPTO, "X25519: OpenSSL refused");
}

/* OpenSSL itself refuses what would be all zero. */
int x25519_shared(const struct secret32 *secret, const uint8_t peer[static X25519_PUBLIC],
		  struct secret32 *ret, struct err *e)
{
	EVP_PKEY *ours = private_key(secret);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, X25519_PUBLIC);
	EVP_PKEY_CTX *ctx = ours && theirs ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	auto_secret struct secret32 shared = { { 0 } };
	size_t n = sizeof(shared.b);
	bool is_done = ctx && EVP_PKEY_derive_init(ctx) == 1 &&
		       EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
		       EVP_PKEY_derive(ctx, shared.b, &n) == 1 && n == sizeof(shared.b) &&
		       !secret_is_zero(shared.b, n);

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	ERR_clear_error();
	if (!is_done)
		return err_set(e, ERR_INPUT, "X25519: a public key of low order");
	*ret = shared;
	return 0;
}
