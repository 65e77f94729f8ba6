/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-env-box: any bytes open or are refused, with no byte read beyond them
 *
 * Input    a sealed environment.
 * Property what opens is 60 bytes shorter; under another key it does not; the same bytes, sealed here, open.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/env_box.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* of the seed in the corpus */
	struct secret32 key = { { 0x7c, 0x28, 0x2b, 0xf9, 0x4b, 0x35, 0xdc, 0x47, 0x80, 0x1d, 0xc9,
				  0x53, 0xbf, 0xa0, 0x89, 0x6f, 0xc2, 0xbd, 0x31, 0x33, 0x81, 0xd3,
				  0xe8, 0xec, 0xa4, 0xe4, 0x2f, 0x65, 0x36, 0xd2, 0xa9, 0x6f } };
	auto_buf struct buf sealed = BUF_MAX(ENV_BOX_MAX);
	struct buf plain = BUF_MAX(0);
	uint8_t pub[X25519_PUBLIC];

	if (env_box_open(&key, data, n, &plain, NULL) == 0) {
		assert(plain.n == n - ENV_BOX_OVERHEAD && plain.p[plain.n] == 0);
		secret_buf_deinit(&plain);
		key.b[3] ^= 1;
		assert(env_box_open(&key, data, n, &plain, NULL) < 0);
		key.b[3] ^= 1;
	}
	if (n > 4096)
		return 0;
	assert(x25519_public(&key, pub, NULL) == 0);
	assert(env_box_seal(pub, data, n, &sealed, NULL) == 0);
	assert(env_box_open(&key, sealed.p, sealed.n, &plain, NULL) == 0);
	assert(plain.n == n && (n == 0 || memcmp(plain.p, data, n) == 0));
	secret_buf_deinit(&plain);
	return 0;
}
