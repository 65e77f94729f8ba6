/* SPDX-License-Identifier: Apache-2.0 */
/* The first certificate of a PEM text: its dates and key, and what is none. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/cert_write.h"
#include "crypto/p256.h"
#include "gateway/leaf.h"

enum { FROM = 1000000000, UNTIL = 2000000000, MAX = 4096 };

static void make(const char *name, int64_t until, struct p256_key *key, struct buf *ret)
{
	const struct cert_write_args a = { .common_name = { name, strlen(name) },
					   .issuer_key = key,
					   .not_before = FROM,
					   .not_after = until };

	assert(p256_key_random(key, NULL) == 0);
	assert(cert_write(&a, ret, NULL) == 0);
}

static void test_the_first_counts(void)
{
	auto_buf struct buf pem = BUF_MAX(MAX), spki = BUF_MAX(MAX);
	auto_p256_key struct p256_key first, second;
	uint8_t want[P256_SPKI];
	struct leaf_dates d;

	assert(buf_add_str(&pem, "a comment before it\n") == 0);
	make("first", UNTIL, &first, &pem);
	make("second", UNTIL + 5, &second, &pem);
	assert(leaf_dates(pem.p, pem.n, &d, NULL) == 0 && d.from == FROM && d.until == UNTIL);
	assert(leaf_spki(pem.p, pem.n, &spki, NULL) == 0);
	p256_key_spki(&first, want);
	assert(spki.n == sizeof(want) && memcmp(spki.p, want, sizeof(want)) == 0);
}

static void test_what_is_none_is_refused(void)
{
	static const char *const none[] = {
		"", "text", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"
	};
	auto_buf struct buf spki = BUF_MAX(MAX);
	struct leaf_dates d = { 1, 2 };
	size_t i;

	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert(leaf_dates(none[i], strlen(none[i]), &d, NULL) == ERR_INPUT);
		assert(leaf_spki(none[i], strlen(none[i]), &spki, NULL) == ERR_INPUT);
	}
	assert(d.from == 1 && d.until == 2 && spki.n == 0);
}

/* Cut anywhere it is none; no byte beyond is looked at (the text is copied to its exact size). */
static void test_what_is_cut_is_refused(void)
{
	auto_buf struct buf pem = BUF_MAX(MAX);
	auto_p256_key struct p256_key key;
	struct leaf_dates d;
	size_t n;

	make("cut", UNTIL, &key, &pem);
	for (n = 0; n + 2 < pem.n; n += 7) {
		auto_buf struct buf part = BUF_MAX(n ? n : 1);

		assert(buf_add(&part, pem.p, n) == 0);
		assert(leaf_dates(part.p, part.n, &d, NULL) == ERR_INPUT);
	}
}

static void test_a_full_buffer_is_told(void)
{
	auto_buf struct buf pem = BUF_MAX(MAX), small = BUF_MAX(10);
	auto_p256_key struct p256_key key;

	make("full", UNTIL, &key, &pem);
	assert(leaf_spki(pem.p, pem.n, &small, NULL) < 0);
}

int main(void)
{
	test_the_first_counts();
	test_what_is_none_is_refused();
	test_what_is_cut_is_refused();
	test_a_full_buffer_is_told();
	return 0;
}
