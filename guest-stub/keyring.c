/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/keyring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/kdf.h"
#include "crypto/p256.h"
#include "tee/app_keys.h"
#include "tee/report_data.h"

int keyring_load(int dirfd, struct keyring *ret, struct err *e)
{
	struct keyring k = { .has_keys = true };
	int rc = app_keys_file_read(dirfd, KEYRING_FILE, &k.file, e);

	if (rc == -ENOENT) {
		*ret = (struct keyring){ .has_keys = false };
		return 0;
	}
	if (rc < 0)
		return rc;
	if (!k256_is_key(&k.file.k256)) {
		app_keys_file_wipe(&k.file);
		return err_set(e, ERR_INPUT, "app keys: k256_key: no key of secp256k1");
	}
	*ret = k;
	return 0;
}

int keyring_need(const struct keyring *k, struct err *e)
{
	return k->has_keys ? 0
			   : err_set(e, ERR_MISSING, "this guest has no keys: its boot got none");
}

static int public_of(struct keyring_key *k, struct err *e)
{
	bool is_ed = k->kind == KEYRING_ED25519;

	k->n_public = is_ed ? ED25519_PUBLIC : K256_PUBLIC;
	return is_ed ? ed25519_public(&k->d, k->public, e) : k256_public(&k->d, k->public, e);
}

int keyring_derive(const struct keyring *k, enum keyring_kind kind, const char *path,
		   const char *purpose, struct keyring_key *ret, struct err *e)
{
	const struct digest_part info = { path, strlen(path) };
	auto_keyring_key struct keyring_key key = { .kind = kind };
	struct digest256 hash;
	int rc = keyring_need(k, e);

	if (rc < 0)
		return rc;
	kdf_hkdf(k->file.k256.b, sizeof(k->file.k256.b), &info, 1, &key.d);
	rc = public_of(&key, e);
	if (rc < 0)
		return rc;
	hash = app_keys_purpose_hash(purpose, strlen(purpose), key.public, key.n_public);
	rc = k256_sign_recoverable(&k->file.k256, &hash, key.signature, e);
	if (rc == 0)
		*ret = key;
	return rc;
}

void keyring_key_wipe(struct keyring_key *k)
{
	secret_wipe(k, sizeof(*k));
}

int keyring_derive_p256(const struct keyring *k, const char *path, struct p256_key *ret,
			struct err *e)
{
	const struct digest_part info = { path, strlen(path) };
	int rc = keyring_need(k, e);

	return rc < 0 ? rc : app_keys_p256(&k->file.k256, &info, 1, ret, e);
}

int keyring_sign(const struct keyring_key *k, bool is_digest, const void *p, size_t n,
		 uint8_t ret[static K256_SIGNATURE], struct err *e)
{
	struct digest256 hash;

	static_assert((int)K256_SIGNATURE == (int)ED25519_SIGNATURE, "one size");
	if (k->kind == KEYRING_ED25519)
		return ed25519_sign(&k->d, p, n, ret, e);
	if (is_digest && n != sizeof(hash.b)) {
		return err_set(
			e, ERR_INPUT,
			"Pre-hashed signing requires a 32-byte digest, but received %zu bytes", n);
	}
	if (is_digest)
		memcpy(hash.b, p, n);
	else
		hash = digest256_bytes(p, n);
	return k256_sign(&k->d, &hash, ret, e);
}

/* RFC 4648, section 5, without padding: that of section 4 with two other letters. */
static void to_url(struct buf *b)
{
	size_t i;

	while (b->n > 0 && b->p[b->n - 1] == '=')
		b->n--;
	for (i = 0; i < b->n; i++) {
		if (b->p[i] == '+')
			b->p[i] = '-';
		else if (b->p[i] == '/')
			b->p[i] = '_';
	}
}

void keyring_report_data(const struct keyring_key *k, struct report_data *ret)
{
	const char *head =
		k->kind == KEYRING_ED25519 ? "dip1::ed25519-pk:" : "dip1::secp256k1c-pk:";
	auto_buf struct buf b = BUF_MAX(64);
	size_t n = strlen(head);

	*ret = (struct report_data){ { 0 } };
	if (base64_encode(&b, k->public, k->n_public) < 0)
		abort(); /* no memory */
	to_url(&b);
	assert(n + b.n <= sizeof(ret->b));
	memcpy(ret->b, head, n);
	memcpy(ret->b + n, b.p, b.n);
}
