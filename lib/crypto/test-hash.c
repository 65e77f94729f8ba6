/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "crypto/hash.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/keccak.h"

static void expect(const char *name, const char *text, const char *hex)
{
	const struct digest_part part = { text, strlen(text) };
	char got[2 * HASH_SIZE_MAX + 1];
	uint8_t d[HASH_SIZE_MAX];
	int n = hash_of(name, &part, 1, d, NULL);

	assert(n > 0 && (size_t)n == strlen(hex) / 2);
	str_hex(got, d, (size_t)n);
	assert(str_equal(got, hex));
}

static void test_known_digests(void)
{
	expect("sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("sha3-256", "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
	expect("keccak256", "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	expect("keccak256", "abc",
	       "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
	expect("keccak384", "",
	       "2c23146a63a29acf99e73b88f8c24eaa7dc60aa771780ccc006afbfa8fe2479b2dd2b21362337441ac1"
	       "2"
	       "b515911957ff");
	expect("keccak512", "",
	       "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304c00fa9caf9d87976ba4"
	       "6"
	       "9bcbe06713b435f091ef2769fb160cdab33d3670680e");
}

/* Wherever the input is cut, and around the ends of its blocks, the digest is the same. */
static void test_parts_are_one_text(void)
{
	uint8_t text[300];
	struct digest_part parts[2];
	struct digest256 whole, cut;
	size_t n, i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	for (n = 130; n < sizeof(text); n++) {
		parts[0] = (struct digest_part){ text, n };
		whole = keccak256_of(parts, 1);
		for (i = 0; i <= n; i += 17) {
			parts[0] = (struct digest_part){ text, i };
			parts[1] = (struct digest_part){ text + i, n - i };
			cut = keccak256_of(parts, 2);
			assert(memcmp(&whole, &cut, sizeof(cut)) == 0);
		}
	}
}

static void test_unknown_names_are_refused(void)
{
	static const char *const names[] = { "", "md5", "SHA256", "keccak", "sha3", "raw" };
	uint8_t d[HASH_SIZE_MAX];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert(hash_of(names[i], NULL, 0, d, &e) == ERR_INPUT);
		assert(str_equal(e.text, "invalid hash algorithm"));
	}
}

int main(void)
{
	test_known_digests();
	test_parts_are_one_text();
	test_unknown_names_are_refused();
	return 0;
}
