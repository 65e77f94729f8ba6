/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aead: AES-256-GCM: bytes that can be neither read nor changed without the key
 *
 * Invariants  a nonce is used once with a key, by whoever calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct err;

enum { AEAD_NONCE = 12, AEAD_TAG = 16 };

struct aead_text {
	const void *p, *aad; /* @aad: bytes that are vouched for, not hidden; may be NULL */
	size_t n, n_aad;
};

/* @ret has n + AEAD_TAG bytes: ciphertext, tag.  Return: 0, ERR_CRYPTO, ERR_LIMIT of 1 GiB. */
int aead_seal(const struct secret32 *key, const uint8_t nonce[static AEAD_NONCE],
	      const struct aead_text *plain, uint8_t *ret, struct err *e);

/* @ret has n - AEAD_TAG bytes, which are zero unless it opened.  Return: 0; ERR_INPUT if it does not open. */
int aead_open(const struct secret32 *key, const uint8_t nonce[static AEAD_NONCE],
	      const struct aead_text *sealed, uint8_t *ret, struct err *e);
