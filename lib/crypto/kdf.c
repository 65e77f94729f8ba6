/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include <assert.h>
#include <string.h>

enum { BLOCK = 64 /* of SHA-256 */ };

static const char salt[] = "RATLS";

static void pad(const uint8_t key[static BLOCK], uint8_t with, uint8_t ret[static BLOCK])
{
	size_t i;

	for (i = 0; i < BLOCK; i++)
		ret[i] = key[i] ^ with;
}

struct digest256 kdf_hmac(const void *key, size_t n, const struct digest_part *parts,
			  size_t n_parts)
{
	struct digest_part inside[1 + KDF_PARTS_MAX + 1], outside[2];
	uint8_t block[BLOCK] = { 0 }, padded[BLOCK];
	struct digest256 d;

	assert(n_parts <=
	       KDF_PARTS_MAX + 1); /* one more than a caller: kdf_hkdf() adds the counter */
	if (n > BLOCK) {
		d = digest256_bytes(key, n);
		memcpy(block, d.b, sizeof(d.b));
	} else if (n > 0) {
		memcpy(block, key, n);
	}
	pad(block, 0x36, padded);
	inside[0] = (struct digest_part){ padded, BLOCK };
	if (n_parts > 0)
		memcpy(inside + 1, parts, n_parts * sizeof(*parts));
	d = digest256_of(inside, 1 + n_parts);
	pad(block, 0x5c, padded);
	outside[0] = (struct digest_part){ padded, BLOCK };
	outside[1] = (struct digest_part){ d.b, sizeof(d.b) };
	d = digest256_of(outside, 2);
	secret_wipe(block, sizeof(block));
	secret_wipe(padded, sizeof(padded));
	return d;
}

/* One block of output, as the hash is as long as what is wanted. */
void kdf_hkdf(const void *ikm, size_t n, const struct digest_part *info, size_t n_info,
	      struct secret32 *ret)
{
	static const uint8_t counter = 1;
	const struct digest_part key = { ikm, n };
	struct digest_part parts[KDF_PARTS_MAX + 1];
	struct digest256 extracted, expanded;

	assert(n_info <= KDF_PARTS_MAX);
	extracted = kdf_hmac(salt, sizeof(salt) - 1, &key, 1);
	if (n_info > 0)
		memcpy(parts, info, n_info * sizeof(*info));
	parts[n_info] = (struct digest_part){ &counter, 1 };
	expanded = kdf_hmac(extracted.b, sizeof(extracted.b), parts, n_info + 1);
	memcpy(ret->b, expanded.b, sizeof(ret->b));
	secret_wipe(&extracted, sizeof(extracted));
	secret_wipe(&expanded, sizeof(expanded));
}
