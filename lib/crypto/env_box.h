/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_box: the environment of an app, sealed to the app's X25519 key
 *
 * Anybody with the public key can seal: who opens learns nothing of who did.
 *
 * Wire     dstack's .encrypted-env: ephemeral public key (32), nonce (12), ciphertext, tag (16); the key of
 *	    AES-256-GCM is what X25519 gives, no further bytes are vouched for.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/x25519.h"

struct buf;
struct err;

enum {
	ENV_BOX_OVERHEAD = 32 + 12 + 16,
	ENV_BOX_MAX = 2 * 1024 * 1024, /* sealed; the file of a guest has a limit of its own */
};

/* Append the sealed bytes to @ret.  Return: 0, ERR_INPUT for a key of low order, ERR_LIMIT, ERR_CRYPTO. */
int env_box_seal(const uint8_t key[static X25519_PUBLIC], const void *p, size_t n, struct buf *ret,
		 struct err *e);

/*
 * Return: 0 and *@ret, a buffer for secret_buf_deinit(), ended by a 0 that does not count; ERR_INPUT if it is
 * too short, broken or sealed to another key, which look the same; ERR_LIMIT.
 */
int env_box_open(const struct secret32 *key, const void *p, size_t n, struct buf *ret,
		 struct err *e);
