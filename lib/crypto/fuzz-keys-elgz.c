/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-elgz: any bytes unpack within the limit or are refused; whatever is packed comes back
 *
 * Input    what follows the magic word; and the same again as what is to be packed.
 */
#undef NDEBUG
#include "crypto/elgz.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX = 16384, ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf in = BUF_MAX(ROOM), out = BUF_MAX(MAX);
	auto_buf struct buf packed = BUF_MAX(ROOM), back = BUF_MAX(ROOM);

	if (n > ROOM / 2)
		return 0;
	assert(buf_add_str(&in, ELGZ_MAGIC) == 0 && buf_add(&in, data, n) == 0);
	assert(elgz_is_packed(in.p, in.n));
	(void)elgz_unpack(in.p, in.n, &out);
	assert(out.n <= MAX);
	assert(elgz_pack(data, n, &packed) == 0 && elgz_unpack(packed.p, packed.n, &back) == 0);
	assert(back.n == n && (n == 0 || memcmp(back.p, data, n) == 0));
	packed.n--;
	buf_drop(&back, back.n);
	assert(elgz_unpack(packed.p, packed.n, &back) < 0);
	return 0;
}
