/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed_box: a short message to the owner of an X25519 key, from nobody
 *
 * Wire     libsodium's crypto_box_seal: ephemeral public key (32), Poly1305 tag (16), XSalsa20 ciphertext.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/x25519.h"

struct err;

enum { SEALED_BOX_OVERHEAD = 48, SEALED_BOX_MAX = 65536 };

/* @ret has n + SEALED_BOX_OVERHEAD bytes.  Return: 0; ERR_INPUT for a key of low order; ERR_LIMIT. */
int sealed_box_seal(const uint8_t key[static X25519_PUBLIC], const void *p, size_t n, uint8_t *ret,
		    struct err *e);

/* @ret has n - SEALED_BOX_OVERHEAD bytes.  Return: 0; ERR_INPUT if it does not open; ERR_LIMIT. */
int sealed_box_open(const struct secret32 *secret, const void *p, size_t n, uint8_t *ret,
		    struct err *e);
