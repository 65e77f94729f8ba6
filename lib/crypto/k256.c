/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/k256.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/err.h"

static secp256k1_context *context;

static void make_context(void)
{
	struct secret32 seed;

	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secret_random(seed.b, sizeof(seed.b));
	if (!context || secp256k1_context_randomize(context, seed.b) != 1)
		abort(); /* no memory */
	secret_wipe32(&seed);
}

static const secp256k1_context *use(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_context);
	return context;
}

void k256_random(struct secret32 *ret)
{
	do
		secret_random(ret->b, sizeof(ret->b));
	while (!k256_is_key(ret));
}

bool k256_is_key(const struct secret32 *d)
{
	return secp256k1_ec_seckey_verify(use(), d->b) == 1;
}

static int no_key(struct err *e)
{
	return err_set(e, ERR_CRYPTO, "no key of secp256k1: 0, or not less than its order");
}

static int no_public(struct err *e)
{
	return err_set(e, ERR_INPUT, "invalid public key");
}

static int no_signature(struct err *e)
{
	return err_set(e, ERR_INPUT, "invalid signature");
}

static void compress(const secp256k1_pubkey *key, uint8_t ret[static K256_PUBLIC])
{
	size_t n = K256_PUBLIC;

	(void)secp256k1_ec_pubkey_serialize(use(), ret, &n, key, SECP256K1_EC_COMPRESSED);
}

int k256_public(const struct secret32 *d, uint8_t ret[static K256_PUBLIC], struct err *e)
{
	secp256k1_pubkey key;

	if (secp256k1_ec_pubkey_create(use(), &key, d->b) != 1)
		return no_key(e);
	compress(&key, ret);
	return 0;
}

int k256_sign(const struct secret32 *d, const struct digest256 *hash,
	      uint8_t ret[static K256_SIGNATURE], struct err *e)
{
	secp256k1_ecdsa_signature sig;

	if (secp256k1_ecdsa_sign(use(), &sig, hash->b, d->b, NULL, NULL) != 1)
		return no_key(e);
	(void)secp256k1_ecdsa_signature_serialize_compact(use(), ret, &sig);
	return 0;
}

int k256_sign_recoverable(const struct secret32 *d, const struct digest256 *hash,
			  uint8_t ret[static K256_RECOVERABLE], struct err *e)
{
	secp256k1_ecdsa_recoverable_signature sig;
	int id = 0;

	if (secp256k1_ecdsa_sign_recoverable(use(), &sig, hash->b, d->b, NULL, NULL) != 1)
		return no_key(e);
	(void)secp256k1_ecdsa_recoverable_signature_serialize_compact(use(), ret, &id, &sig);
	ret[K256_SIGNATURE] = (uint8_t)id;
	return 0;
}

int k256_recover(const uint8_t sig[static K256_RECOVERABLE], const struct digest256 *hash,
		 uint8_t ret[static K256_PUBLIC], struct err *e)
{
	secp256k1_ecdsa_recoverable_signature parsed;
	secp256k1_pubkey key;

	if (sig[K256_SIGNATURE] > 3 ||
	    secp256k1_ecdsa_recoverable_signature_parse_compact(use(), &parsed, sig,
								sig[K256_SIGNATURE]) != 1 ||
	    secp256k1_ecdsa_recover(use(), &key, &parsed, hash->b) != 1)
		return no_signature(e);
	compress(&key, ret);
	return 0;
}

/* The library knows two more forms of 65 bytes, 06 and 07, which nobody else does. */
static bool read_key(const void *p, size_t n, secp256k1_pubkey *ret)
{
	const uint8_t *at = p;

	if (n != K256_PUBLIC && (n != K256_PUBLIC_LONG || at[0] != 4))
		return false;
	return secp256k1_ec_pubkey_parse(use(), ret, at, n) == 1;
}

int k256_verify(const void *key, size_t n_key, const void *sig, size_t n_sig,
		const struct digest256 *hash, struct err *e)
{
	secp256k1_ecdsa_signature parsed;
	secp256k1_pubkey pub;
	const uint8_t *p = sig;

	if (!read_key(key, n_key, &pub))
		return no_public(e);
	if (n_sig != K256_SIGNATURE || secret_is_zero(p, 32) || secret_is_zero(p + 32, 32) ||
	    secp256k1_ecdsa_signature_parse_compact(use(), &parsed, p) != 1)
		return no_signature(e);
	return secp256k1_ecdsa_verify(use(), &parsed, hash->b, &pub);
}

int k256_compress(const void *key, size_t n_key, uint8_t ret[static K256_PUBLIC], struct err *e)
{
	secp256k1_pubkey pub;

	if (!read_key(key, n_key, &pub))
		return no_public(e);
	compress(&pub, ret);
	return 0;
}
