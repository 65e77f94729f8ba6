/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/app_keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/kdf.h"
#include "crypto/keccak.h"

enum { HEX_KEY_MAX = 2 * K256_PUBLIC_LONG + 1, SECONDS = 8 };

#define PART(text)                                                                                 \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}

void app_keys_roots_wipe(struct app_keys_roots *r)
{
	secret_wipe(r, sizeof(*r));
}

void app_keys_wipe(struct app_keys *k)
{
	secret_wipe(k, sizeof(*k));
}

int app_keys_p256(const struct secret32 *root, const struct digest_part *parts, size_t n_parts,
		  struct p256_key *ret, struct err *e)
{
	auto_secret struct secret32 d;

	kdf_hkdf(root->b, sizeof(root->b), parts, n_parts, &d);
	return p256_key_from_scalar(&d, ret, e);
}

int app_keys_dh_secret(const struct secret32 *root, const struct digest_part *parts, size_t n_parts,
		       struct secret32 *ret, struct err *e)
{
	auto_p256_key struct p256_key k;
	uint8_t der[P256_PKCS8];
	struct digest256 d;
	int rc = app_keys_p256(root, parts, n_parts, &k, e);

	if (rc < 0)
		return rc;
	p256_key_der(&k, der);
	d = digest256_bytes(der, sizeof(der));
	memcpy(ret->b, d.b, sizeof(ret->b));
	secret_wipe(der, sizeof(der));
	secret_wipe(&d, sizeof(d));
	return 0;
}

int app_keys_from_seed(const struct secret32 *seed, struct app_keys *ret, struct err *e)
{
	static const struct digest_part ca = PART("app-key"), disk = PART("app-disk-key"),
					k256 = PART("app-k256-key");
	auto_app_keys struct app_keys k = { .has_env = false };
	int rc = app_keys_p256(seed, &ca, 1, &k.ca, e);

	if (rc == 0)
		rc = app_keys_dh_secret(seed, &disk, 1, &k.disk, e);
	if (rc < 0)
		return err_wrap(e, rc, "keys of the app");
	kdf_hkdf(seed->b, sizeof(seed->b), &k256, 1, &k.k256);
	if (!k256_is_key(&k.k256))
		return err_set(e, ERR_CRYPTO, "keys of the app: no key of secp256k1");
	*ret = k;
	return 0;
}

int app_keys_root_env(const struct app_keys_roots *roots, const uint8_t app_id[static APP_KEYS_ID],
		      struct secret32 *ret, struct err *e)
{
	const struct digest_part parts[] = { { app_id, APP_KEYS_ID }, PART("env-encrypt-key") };

	return app_keys_dh_secret(&roots->ca, parts, 2, ret, e);
}

int app_keys_root_ca(const struct app_keys_roots *roots, const uint8_t app_id[static APP_KEYS_ID],
		     struct p256_key *ret, struct err *e)
{
	const struct digest_part parts[] = { { app_id, APP_KEYS_ID }, PART("app-ca") };

	return app_keys_p256(&roots->ca, parts, 2, ret, e);
}

static int root_disk(const struct app_keys_roots *roots, const uint8_t *app_id,
		     const uint8_t *instance_id, size_t n_instance, struct secret32 *ret,
		     struct err *e)
{
	const struct digest_part parts[] = { { app_id, APP_KEYS_ID },
					     { instance_id, n_instance },
					     PART("app-disk-crypt-key") };

	return app_keys_dh_secret(&roots->ca, parts, 3, ret, e);
}

static int root_k256(const struct app_keys_roots *roots, const uint8_t *app_id, struct app_keys *k,
		     struct err *e)
{
	const struct digest_part parts[] = { { app_id, APP_KEYS_ID }, PART("app-key") };
	uint8_t key[K256_PUBLIC];
	struct digest256 d;
	int rc;

	kdf_hkdf(roots->k256.b, sizeof(roots->k256.b), parts, 2, &k->k256);
	rc = k256_public(&k->k256, key, e);
	if (rc < 0)
		return rc;
	d = app_keys_issued_hash(app_id, key);
	k->has_signature = true;
	return k256_sign_recoverable(&roots->k256, &d, k->k256_signature, e);
}

int app_keys_from_roots(const struct app_keys_roots *roots,
			const uint8_t app_id[static APP_KEYS_ID], const uint8_t *instance_id,
			size_t n_instance, struct app_keys *ret, struct err *e)
{
	auto_app_keys struct app_keys k = { .has_env = true };
	int rc = root_disk(roots, app_id, instance_id, n_instance, &k.disk, e);

	if (rc == 0)
		rc = app_keys_root_env(roots, app_id, &k.env, e);
	if (rc == 0)
		rc = app_keys_root_ca(roots, app_id, &k.ca, e);
	if (rc == 0)
		rc = root_k256(roots, app_id, &k, e);
	if (rc < 0)
		return err_wrap(e, rc, "keys of the app");
	*ret = k;
	return 0;
}

struct digest256 app_keys_issued_hash(const uint8_t app_id[static APP_KEYS_ID],
				      const uint8_t key[static K256_PUBLIC])
{
	const struct digest_part parts[] = { PART("dstack-kms-issued:"),
					     { app_id, APP_KEYS_ID },
					     { key, K256_PUBLIC } };

	return keccak256_of(parts, 3);
}

struct digest256 app_keys_env_hash(const uint8_t app_id[static APP_KEYS_ID],
				   const uint64_t *seconds, const uint8_t key[static X25519_PUBLIC])
{
	uint8_t time[SECONDS];
	const struct digest_part parts[] = { PART("dstack-env-encrypt-pubkey:"),
					     { app_id, APP_KEYS_ID },
					     { time, seconds ? SECONDS : 0 },
					     { key, X25519_PUBLIC } };
	size_t i;

	for (i = 0; seconds && i < SECONDS; i++)
		time[i] = (uint8_t)(*seconds >> (8 * (SECONDS - 1 - i)));
	return keccak256_of(parts, 4);
}

struct digest256 app_keys_purpose_hash(const void *purpose, size_t n_purpose, const uint8_t *key,
				       size_t n_key)
{
	char hex[HEX_KEY_MAX];
	const struct digest_part parts[] = { { purpose, n_purpose },
					     PART(":"),
					     { hex, 2 * n_key } };

	assert(n_key <= K256_PUBLIC_LONG);
	str_hex(hex, key, n_key);
	return keccak256_of(parts, 3);
}

int app_keys_issuer(const uint8_t app_id[static APP_KEYS_ID], const uint8_t key[static K256_PUBLIC],
		    const uint8_t sig[static K256_RECOVERABLE], uint8_t ret[static K256_PUBLIC],
		    struct err *e)
{
	struct digest256 d = app_keys_issued_hash(app_id, key);

	return k256_recover(sig, &d, ret, e);
}
