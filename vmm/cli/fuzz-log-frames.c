/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz log_frames: the first byte says how the rest is cut into chunks.  The pieces do not depend on the cuts, and
 * never reach beyond the input.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "cli/log_frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(const char *in, size_t n, size_t step, struct buf *out, uint64_t *ret_at)
{
	struct log_frames f = LOG_FRAMES_NULL;
	struct log_piece piece;
	size_t at, left;
	const char *p;
	int rc = 0;

	for (at = 0; at < n && rc >= 0; at += step) {
		p = in + at;
		left = n - at < step ? n - at : step;
		while (left > 0 && (rc = log_frames_next(&f, &p, &left, &piece)) > 0) {
			assert(piece.p >= in && piece.n <= (size_t)(in + n - piece.p));
			assert(buf_add(out, piece.p, piece.n) == 0);
		}
	}
	*ret_at = f.at;
	return rc < 0 ? rc : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf whole = BUF_MAX(1 << 24), cut = BUF_MAX(1 << 24);
	uint64_t at_whole, at_cut;
	const char *in = (const char *)data + 1;

	if (size < 2)
		return 0;
	assert(feed(in, size - 1, size, &whole, &at_whole) ==
	       feed(in, size - 1, (size_t)data[0] + 1, &cut, &at_cut));
	assert(whole.n == cut.n && at_whole == at_cut &&
	       (whole.n == 0 || memcmp(whole.p, cut.p, cut.n) == 0));
	return 0;
}
