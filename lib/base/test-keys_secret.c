/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

static void test_any_bit_makes_a_difference(void)
{
	uint8_t a[40], b[40];
	size_t i;

	secret_random(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert(secret_equal(a, b, sizeof(a)) && secret_equal(a, b, 0));
	for (i = 0; i < 8 * sizeof(b); i++) {
		b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert(!secret_equal(a, b, sizeof(a)));
		assert(secret_equal(a, b, i / 8));
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void test_zero_is_seen(void)
{
	uint8_t a[33] = { 0 };
	size_t i;

	assert(secret_is_zero(a, sizeof(a)) && secret_is_zero(a, 0));
	for (i = 0; i < sizeof(a); i++) {
		a[i] = 0x80;
		assert(!secret_is_zero(a, sizeof(a)) && secret_is_zero(a, i));
		a[i] = 0;
	}
}

static void test_wiped_is_zero(void)
{
	struct secret32 s;
	uint8_t b[100];

	memset(b, 0x55, sizeof(b));
	errno = 7;
	secret_wipe(b, sizeof(b) - 1);
	secret_wipe(NULL, 0);
	assert(errno == 7);
	assert(secret_is_zero(b, sizeof(b) - 1) && b[sizeof(b) - 1] == 0x55);
	secret_random(s.b, sizeof(s.b));
	assert(!secret_is_zero(s.b, sizeof(s.b)));
	secret_wipe32(&s);
	assert(secret_is_zero(s.b, sizeof(s.b)));
}

static void test_random_fills_all(void)
{
	uint8_t a[1000], b[1000];
	size_t i, n_zero = 0;

	memset(a, 0, sizeof(a));
	secret_random(a, sizeof(a));
	secret_random(b, sizeof(b));
	secret_random(b, 0);
	assert(memcmp(a, b, sizeof(a)) != 0);
	for (i = 0; i < sizeof(a); i++)
		n_zero += a[i] == 0;
	assert(n_zero < 50);
}

static void test_a_buffer_never_moves(void)
{
	struct buf b;
	const uint8_t *p;
	size_t i;

	assert(secret_buf_init(&b, 1000) == 0);
	p = b.p;
	for (i = 0; i < 1000; i++)
		assert(buf_add(&b, "x", 1) == 0 && b.p == p);
	assert(buf_add(&b, "x", 1) == -EMSGSIZE && b.p == p);
	secret_buf_deinit(&b);
	assert(!b.p);
	secret_buf_deinit(&b);
}

static void test_a_text_ends(void)
{
	auto_secret_str char *s = xstrdup("secret");

	assert(s);
	secret_str_free(NULL);
}

int main(void)
{
	test_any_bit_makes_a_difference();
	test_zero_is_seen();
	test_wiped_is_zero();
	test_random_fills_all();
	test_a_buffer_never_moves();
	test_a_text_ends();
	return 0;
}
