/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x25519: a secret that two sides share (RFC 7748)
 *
 * A secret is any 32 bytes: they are clamped where they are used.
 */
#pragma once

#include <stdint.h>

#include "base/secret.h"

struct err;

enum { X25519_PUBLIC = 32 };

/* Return: 0, ERR_CRYPTO. */
int x25519_public(const struct secret32 *secret, uint8_t ret[static X25519_PUBLIC], struct err *e);

/* Return: 0; ERR_INPUT for a key of low order, with which anybody would know what is shared. */
int x25519_shared(const struct secret32 *secret, const uint8_t peer[static X25519_PUBLIC],
		  struct secret32 *ret, struct err *e);
