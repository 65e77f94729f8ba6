/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte that says how long pieces are, then an HTTP answer.  Property: the verdict, the status
 * and the body do not depend on how the answer is cut; the body is within its limit.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/http_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { BODY_MAX = 4096 };

static int feed(struct http_wire *w, struct buf *body, const uint8_t *p, size_t n, size_t piece)
{
	size_t step;
	int rc = 0;

	while (rc == 0 && n > 0) {
		step = n < piece ? n : piece;
		rc = http_wire_feed(w, p, step, body, NULL);
		p += step;
		n -= step;
	}
	return rc == 0 ? http_wire_end(w, NULL) : rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct http_wire *a, *b;
	struct buf body_a = BUF_MAX(BODY_MAX), body_b = BUF_MAX(BODY_MAX);
	int rc_a, rc_b;

	if (n == 0)
		return 0;
	a = xnew(struct http_wire);
	b = xnew(struct http_wire);
	rc_a = feed(a, &body_a, p + 1, n - 1, n);
	rc_b = feed(b, &body_b, p + 1, n - 1, p[0] ? p[0] : 1);
	assert((rc_a == 1) == (rc_b == 1));
	if (rc_a == 1) {
		assert(a->status == b->status && a->status >= 200 && a->status <= 999);
		assert(strcmp(a->content_type, b->content_type) == 0);
		assert(body_a.n == body_b.n && body_a.n <= BODY_MAX);
		assert(body_a.n == 0 || memcmp(body_a.p, body_b.p, body_a.n) == 0);
	}
	buf_deinit(&body_a);
	buf_deinit(&body_b);
	free(a);
	free(b);
	return 0;
}
