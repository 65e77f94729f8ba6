/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/env_box.h"

#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rd.h"
#include "crypto/aead.h"

int env_box_seal(const uint8_t key[static X25519_PUBLIC], const void *p, size_t n, struct buf *ret,
		 struct err *e)
{
	const struct aead_text plain = { .p = p, .n = n };
	auto_secret struct secret32 ours, shared;
	uint8_t head[X25519_PUBLIC + AEAD_NONCE];
	auto_free uint8_t *body = NULL;
	int rc;

	if (n > ENV_BOX_MAX - ENV_BOX_OVERHEAD)
		return err_set(e, ERR_LIMIT, "too large to be sealed: %zu bytes, at most %d", n,
			       ENV_BOX_MAX - ENV_BOX_OVERHEAD);
	secret_random(ours.b, sizeof(ours.b));
	secret_random(head + X25519_PUBLIC, AEAD_NONCE);
	rc = x25519_public(&ours, head, e);
	if (rc == 0)
		rc = x25519_shared(&ours, key, &shared, e);
	if (rc < 0)
		return rc;
	body = malloc(n + AEAD_TAG);
	if (!body)
		return err_set(e, -ENOMEM, "no memory to seal %zu bytes", n);
	rc = aead_seal(&shared, head + X25519_PUBLIC, &plain, body, e);
	if (rc < 0)
		return rc;
	rc = buf_add(ret, head, sizeof(head));
	if (rc == 0)
		rc = buf_add(ret, body, n + AEAD_TAG);
	return rc < 0 ? err_set(e, rc, "no room for %zu sealed bytes", n + ENV_BOX_OVERHEAD) : 0;
}

/* One answer to whatever is wrong with the bytes. */
static int does_not_open(struct err *e)
{
	return err_set(e, ERR_INPUT,
		       "does not open: it is broken, or was sealed to the key of another app");
}

int env_box_open(const struct secret32 *key, const void *p, size_t n, struct buf *ret,
		 struct err *e)
{
	auto_secret struct secret32 shared = { { 0 } };
	auto_secret_buf struct buf plain = { 0 };
	struct rd r = rd_over(p, n);
	const uint8_t *theirs, *nonce;
	struct aead_text sealed;

	if (n > ENV_BOX_MAX)
		return err_set(e, ERR_LIMIT, "too large: %zu bytes, at most %d", n, ENV_BOX_MAX);
	theirs = rd_take(&r, X25519_PUBLIC);
	nonce = rd_take(&r, AEAD_NONCE);
	if (!nonce || rd_left(&r) < AEAD_TAG)
		return err_set(e, ERR_INPUT, "too short: %zu bytes, at least %d", n,
			       ENV_BOX_OVERHEAD);
	if (secret_buf_init(&plain, rd_left(&r)) < 0)
		return err_set(e, -ENOMEM, "no memory to open %zu bytes", n);
	sealed = (struct aead_text){ .p = r.p, .n = rd_left(&r) };
	if (x25519_shared(key, theirs, &shared, NULL) < 0 ||
	    aead_open(&shared, nonce, &sealed, plain.p, NULL) < 0)
		return does_not_open(e);
	plain.n = sealed.n - AEAD_TAG;
	plain.p[plain.n] = 0;
	*ret = plain;
	plain = (struct buf){ 0 };
	return 0;
}
