/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the JSON of a key provider's answer, or of a request to one.  Property: what is taken is within its
 * limits; what was taken is taken again, and gives the same bytes, when it is written.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "wire/key_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void must_be_same(const struct buf *a, const struct buf *b)
{
	assert(a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0));
}

static void request(const uint8_t *p, size_t n)
{
	struct buf a, b, frame;

	if (key_frame_asked(p, n, &a, NULL) < 0)
		return;
	assert(a.n <= KEY_FRAME_QUOTE_MAX);
	assert(key_frame_request(&frame, a.p, a.n, NULL) == 0);
	assert(key_frame_asked(frame.p + KEY_FRAME_HEAD, frame.n - KEY_FRAME_HEAD, &b, NULL) == 0);
	must_be_same(&a, &b);
	buf_deinit(&a);
	buf_deinit(&b);
	buf_deinit(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct key_frame_answer a, b;
	struct buf frame;
	size_t length;

	if (n >= KEY_FRAME_HEAD && key_frame_length(p, &length, NULL) == 0)
		assert(length > 0 && length <= KEY_FRAME_MAX);
	request(p, n);
	if (key_frame_answer(p, n, &a, NULL) < 0)
		return 0;
	assert(a.encrypted_key.n <= KEY_FRAME_KEY_MAX && a.provider_quote.n <= KEY_FRAME_QUOTE_MAX);
	assert(key_frame_respond(&frame, &a, NULL) == 0);
	assert(key_frame_answer(frame.p + KEY_FRAME_HEAD, frame.n - KEY_FRAME_HEAD, &b, NULL) == 0);
	must_be_same(&a.encrypted_key, &b.encrypted_key);
	must_be_same(&a.provider_quote, &b.provider_quote);
	key_frame_answer_deinit(&a);
	key_frame_answer_deinit(&b);
	buf_deinit(&frame);
	return 0;
}
