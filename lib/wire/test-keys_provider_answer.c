/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/provider_answer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { N_SIGNATURE = 70, N = PROVIDER_ANSWER_MAX - PROVIDER_ANSWER_SIGNATURE_MAX + N_SIGNATURE };

static void make(struct buf *out, size_t n_signature)
{
	uint8_t spki[PROVIDER_ANSWER_SPKI_SIZE], signature[PROVIDER_ANSWER_SIGNATURE_MAX];

	memset(spki, 0x11, sizeof(spki));
	memset(signature, 0x22, sizeof(signature));
	*out = BUF_MAX(PROVIDER_ANSWER_MAX);
	assert(provider_answer_write(spki, signature, n_signature, out) == 0);
}

static void test_what_is_written_is_read(void)
{
	auto_buf struct buf b;
	struct provider_answer a;

	make(&b, N_SIGNATURE);
	assert(b.n == N && provider_answer_is(b.p, b.n));
	assert(memcmp(b.p, "bailey-key-provider-v1\0\0\x5b\x11", 26) == 0);
	assert(provider_answer_parse(b.p, b.n, &a) == 0);
	assert(a.n_signature == N_SIGNATURE && a.spki[0] == 0x11 && a.signature[69] == 0x22);
	assert(a.signature + a.n_signature == b.p + b.n);
}

static void test_every_cut_is_refused(void)
{
	auto_buf struct buf b;
	struct provider_answer a;
	size_t n;

	make(&b, N_SIGNATURE);
	for (n = 0; n < b.n; n++)
		assert(provider_answer_parse(b.p, n, &a) == -EINVAL);
}

static void test_what_follows_is_refused(void)
{
	uint8_t longer[N + 1];
	auto_buf struct buf b;
	struct provider_answer a;

	make(&b, N_SIGNATURE);
	memcpy(longer, b.p, N);
	longer[N] = 0;
	assert(provider_answer_parse(longer, sizeof(longer), &a) == -EINVAL);
}

static void test_lengths_that_none_has_are_refused(void)
{
	static const size_t places[] = { 23, 24, 25 + PROVIDER_ANSWER_SPKI_SIZE,
					 26 + PROVIDER_ANSWER_SPKI_SIZE };
	auto_buf struct buf b;
	struct provider_answer a;
	size_t i;

	make(&b, N_SIGNATURE);
	for (i = 0; i < 4; i++) {
		b.p[places[i]]++;
		assert(provider_answer_parse(b.p, b.n, &a) == -EINVAL);
		b.p[places[i]] -= 2;
		assert(provider_answer_parse(b.p, b.n, &a) == -EINVAL);
		b.p[places[i]]++;
	}
	assert(provider_answer_parse(b.p, b.n, &a) == 0);
	assert(provider_answer_write(a.spki, a.signature, PROVIDER_ANSWER_SIGNATURE_MAX + 1, &b) ==
	       -EINVAL);
	assert(provider_answer_write(a.spki, a.signature, PROVIDER_ANSWER_SIGNATURE_MIN - 1, &b) ==
	       -EINVAL);
}

static void test_an_sgx_quote_is_none_of_ours(void)
{
	const uint8_t quote[64] = { 3, 0, 2, 0 };
	struct provider_answer a;

	assert(!provider_answer_is(quote, sizeof(quote)) && !provider_answer_is("", 0));
	assert(provider_answer_parse(quote, sizeof(quote), &a) == -EINVAL);
	assert(provider_answer_parse(NULL, 0, &a) == -EINVAL);
}

static void test_a_buffer_too_small_is_left_as_it_was(void)
{
	uint8_t spki[PROVIDER_ANSWER_SPKI_SIZE] = { 0 }, signature[N_SIGNATURE] = { 0 };
	auto_buf struct buf small = BUF_MAX(N - 1);

	assert(provider_answer_write(spki, signature, sizeof(signature), &small) == -EMSGSIZE);
	assert(small.n == 0);
}

static void test_the_message_names_key_and_quote(void)
{
	uint8_t key[32], quote[32], m[PROVIDER_ANSWER_MESSAGE_SIZE];

	memset(key, 1, sizeof(key));
	memset(quote, 2, sizeof(quote));
	provider_answer_message(key, quote, m);
	assert(memcmp(m, "bailey-key-provider-v1:", 23) == 0);
	assert(memcmp(m + 23, key, 32) == 0 && memcmp(m + 55, quote, 32) == 0);
}

int main(void)
{
	test_what_is_written_is_read();
	test_every_cut_is_refused();
	test_what_follows_is_refused();
	test_lengths_that_none_has_are_refused();
	test_an_sgx_quote_is_none_of_ours();
	test_a_buffer_too_small_is_left_as_it_was();
	test_the_message_names_key_and_quote();
	return 0;
}
