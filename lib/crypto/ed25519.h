/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ed25519: signatures of RFC 8032 from a seed
 *
 * Thread   any.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct err;

enum { ED25519_PUBLIC = 32, ED25519_SIGNATURE = 64 };

/* Return: 0, ERR_CRYPTO. */
int ed25519_public(const struct secret32 *seed, uint8_t ret[static ED25519_PUBLIC], struct err *e);

/* Over the @n bytes as they are.  Return: 0, ERR_CRYPTO. */
int ed25519_sign(const struct secret32 *seed, const void *p, size_t n,
		 uint8_t ret[static ED25519_SIGNATURE], struct err *e);

/* Return: 1 or 0; ERR_INPUT "invalid public key" or "invalid signature" if those have no form. */
int ed25519_verify(const void *key, size_t n_key, const void *sig, size_t n_sig, const void *p,
		   size_t n, struct err *e);
