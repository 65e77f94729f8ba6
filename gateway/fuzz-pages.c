/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-pages: the first byte chooses a page, the rest is what a client sends.  Nothing of it is in an answer. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "gateway/pages.h"

static const struct pages_texts texts = { .acme_info = { "{}", 2 }, .app_info = { "{}", 2 } };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf b = BUF_MAX(PAGES_ANSWER_MAX);
	enum pages_verdict v;

	if (n == 0)
		return 0;
	v = pages_answer((enum conn_page)(1 + *p % PAGE_504), p + 1, n - 1, &texts, &b);
	assert((v == PAGES_ANSWERED) == (b.n > 0));
	assert(v != PAGES_ANSWERED || (memcmp(b.p, "HTTP/1.1 ", 9) == 0 && b.n < 2048));
	assert(v != PAGES_MORE || n - 1 < PAGES_HEAD_MAX);
	buf_deinit(&b);
	return 0;
}
