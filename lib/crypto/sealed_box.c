/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sealed_box.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/err.h"

_Static_assert(crypto_box_SEALBYTES == SEALED_BOX_OVERHEAD, "as libsodium has it");

static void init(void)
{
	if (sodium_init() < 0)
		abort(); /* no random bytes */
}

int sealed_box_seal(const uint8_t key[static X25519_PUBLIC], const void *p, size_t n, uint8_t *ret,
		    struct err *e)
{
	init();
	if (n > SEALED_BOX_MAX)
		return err_set(e, ERR_LIMIT, "too large to be sealed: %zu bytes, at most %d", n,
			       SEALED_BOX_MAX);
	if (crypto_box_seal(ret, p, n, key) != 0)
		return err_set(e, ERR_INPUT, "X25519: a public key of low order");
	return 0;
}

int sealed_box_open(const struct secret32 *secret, const void *p, size_t n, uint8_t *ret,
		    struct err *e)
{
	uint8_t key[X25519_PUBLIC];
	int rc;

	init();
	if (n > SEALED_BOX_MAX + SEALED_BOX_OVERHEAD)
		return err_set(e, ERR_LIMIT, "sealed box: too large: %zu bytes", n);
	rc = x25519_public(secret, key, e);
	if (rc < 0)
		return rc;
	if (n < SEALED_BOX_OVERHEAD || crypto_box_seal_open(ret, p, n, key, secret->b) != 0)
		return err_set(e, ERR_INPUT, "sealed box: broken, or of another key");
	return 0;
}
