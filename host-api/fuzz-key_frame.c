/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the JSON of a key provider's answer.  Property: what is taken is within its limits; what was taken
 * is taken again, and gives the same bytes, when it is written the way we write.
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "host-api/key_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void add_array(struct buf *b, const struct buf *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		assert(buf_addf(b, "%s%u", i ? "," : "", from->p[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf text = BUF_MAX(16 << 20);
	struct key_frame_answer a, b;
	size_t length;

	if (n >= KEY_FRAME_HEAD && key_frame_length(p, &length, NULL) == 0)
		assert(length > 0 && length <= KEY_FRAME_MAX);
	if (key_frame_answer(p, n, &a, NULL) < 0)
		return 0;
	assert(a.encrypted_key.n <= KEY_FRAME_KEY_MAX && a.provider_quote.n <= KEY_FRAME_QUOTE_MAX);
	assert(buf_add_str(&text, "{\"encrypted_key\":[") == 0);
	add_array(&text, &a.encrypted_key);
	assert(buf_add_str(&text, "],\"provider_quote\":[") == 0);
	add_array(&text, &a.provider_quote);
	assert(buf_add_str(&text, "]}") == 0);
	assert(key_frame_answer(text.p, text.n, &b, NULL) == 0);
	assert(a.encrypted_key.n == b.encrypted_key.n && a.provider_quote.n == b.provider_quote.n);
	assert(memcmp(a.encrypted_key.p, b.encrypted_key.p, a.encrypted_key.n) == 0);
	assert(memcmp(a.provider_quote.p, b.provider_quote.p, a.provider_quote.n) == 0);
	key_frame_answer_deinit(&a);
	key_frame_answer_deinit(&b);
	buf_deinit(&text);
	return 0;
}
