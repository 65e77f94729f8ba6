/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kdf: 32 bytes out of a secret and what they are for
 *
 * By hand over SHA-256, as OpenSSL's HKDF refuses an info of more than 32 KiB and paths of apps may be longer.
 *
 * Wire     RFC 5869 HKDF-SHA256 as dstack uses it: salt "RATLS", the info is its parts one after the other.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/digest.h"

enum { KDF_PARTS_MAX = 8 };

/* HKDF of @n bytes of key; at most KDF_PARTS_MAX parts of info.  Cannot fail. */
void kdf_hkdf(const void *ikm, size_t n, const struct digest_part *info, size_t n_info,
	      struct secret32 *ret);

/* HMAC-SHA256; the key has any length, at most KDF_PARTS_MAX parts. */
struct digest256 kdf_hmac(const void *key, size_t n, const struct digest_part *parts,
			  size_t n_parts);
