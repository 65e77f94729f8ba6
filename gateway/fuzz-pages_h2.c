/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pages_h2: the first byte chooses a page, the rest is what a client sends after it chose HTTP/2.  Whatever it is, the
 * answer is whole frames, of which the last is GOAWAY; and more of the same bytes does not change one that was given.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "gateway/pages_h2.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { FRAME_HEADER = 9, GOAWAY = 7 };

static void check_frames(const struct buf *b)
{
	size_t at = 0, n;
	uint8_t last = 0;

	assert(b->n >= FRAME_HEADER + 8 && b->n < 1024);
	while (at < b->n) {
		assert(b->n - at >= FRAME_HEADER);
		n = (size_t)b->p[at] << 16 | (size_t)b->p[at + 1] << 8 | b->p[at + 2];
		last = b->p[at + 3];
		assert(n <= b->n - at - FRAME_HEADER);
		at += FRAME_HEADER + n;
	}
	assert(last == GOAWAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_buf struct buf b = BUF_MAX(4096), shorter = BUF_MAX(4096);
	enum conn_page page;
	enum pages_verdict v, before;

	if (n < 2)
		return 0;
	page = (enum conn_page)(PAGE_502 + *p % 3);
	v = pages_h2_answer(page, p + 1, n - 1, &b);
	assert((v == PAGES_ANSWERED) == (b.n > 0));
	assert(v != PAGES_MORE || n - 1 < PAGES_HEAD_MAX);
	if (v == PAGES_ANSWERED)
		check_frames(&b);
	before = pages_h2_answer(page, p + 1, n - 2, &shorter);
	if (before != PAGES_MORE && n - 2 < PAGES_HEAD_MAX) {
		assert(before == v && b.n == shorter.n);
		assert(b.n == 0 || memcmp(b.p, shorter.p, b.n) == 0);
	}
	return 0;
}
