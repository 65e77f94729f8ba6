/* SPDX-License-Identifier: Apache-2.0 */
/* hash: a digest by the name that a caller gives, where a protocol leaves the choice */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

struct err;

enum { HASH_SIZE_MAX = 64 };

/**
 * hash_of() - digest of the parts, one after the other
 * @name: sha256, sha384, sha512, sha3-256, sha3-384, sha3-512, keccak256, keccak384 or keccak512
 *
 * Return: its size, 32 to HASH_SIZE_MAX, or ERR_INPUT "invalid hash algorithm".
 */
int hash_of(const char *name, const struct digest_part *parts, size_t n_parts,
	    uint8_t ret[static HASH_SIZE_MAX], struct err *e);
