/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/report_data.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void expect(const struct report_data *d, const char *hex)
{
	char got[2 * REPORT_DATA_SIZE + 1];

	str_hex(got, d->b, sizeof(d->b));
	assert(str_equal(got, hex));
}

static struct report_data hashed(const char *algorithm, const char *tag, const char *content)
{
	struct report_data d;

	assert(report_data_hashed(algorithm, tag, content, strlen(content), &d, NULL) == 0);
	return d;
}

/* dstack's own vector. */
static void test_app_data_is_dstacks(void)
{
	struct report_data d = hashed("sha512", "app-data", "test content");

	expect(&d,
	       "7ea0b744ed5e9c0c83ff9f575668e1697652cd349f2027cdf26f918d4c53e8cd50b5ea9b449b4c3d50"
	       "e20ae00ec29688d5a214e8daff8a10041f5d624dae8a01");
}

static void test_defaults_are_sha512_and_app_data(void)
{
	struct report_data a = hashed("sha512", "app-data", "x"), b = hashed(NULL, NULL, "x"),
			   c = hashed("", "", "x"), d = hashed("sha512", "ratls-cert", "x");

	assert(memcmp(&a, &b, sizeof(a)) == 0 && memcmp(&a, &c, sizeof(a)) == 0);
	assert(memcmp(&a, &d, sizeof(a)) != 0);
}

/* A short digest has zeros after it. */
static void test_every_algorithm_and_its_zeros(void)
{
	static const struct {
		const char *name;
		size_t size;
	} all[] = { { "sha256", 32 },	 { "sha384", 48 },    { "sha512", 64 },
		    { "sha3-256", 32 },	 { "sha3-384", 48 },  { "sha3-512", 64 },
		    { "keccak256", 32 }, { "keccak384", 48 }, { "keccak512", 64 } };
	static const uint8_t zeros[REPORT_DATA_SIZE];
	struct report_data d;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		d = hashed(all[i].name, "t", "content");
		assert(memcmp(d.b + all[i].size, zeros, sizeof(d.b) - all[i].size) == 0);
		assert(memcmp(d.b, zeros, all[i].size) != 0);
	}
}

static void test_raw_wants_64_bytes(void)
{
	uint8_t content[REPORT_DATA_SIZE + 1] = { 1, 2, 3 };
	struct report_data d;
	struct err e;

	assert(report_data_hashed("raw", "ignored", content, 64, &d, NULL) == 0);
	assert(memcmp(d.b, content, 64) == 0);
	assert(report_data_hashed("raw", NULL, content, 63, &d, &e) == ERR_INPUT);
	assert(str_equal(e.text, "invalid content length"));
	assert(report_data_hashed("raw", NULL, content, 65, &d, NULL) == ERR_INPUT);
	assert(report_data_hashed("md5", NULL, content, 64, &d, &e) == ERR_INPUT);
	assert(str_equal(e.text, "invalid hash algorithm"));
	assert(report_data_hashed("SHA512", NULL, content, 64, &d, NULL) == ERR_INPUT);
}

static void test_evidence_binds_nonce_and_key(void)
{
	uint8_t nonce[REPORT_DATA_NONCE_MAX + 1] = { 7 }, key[] = { 1, 2, 3, 4 };
	struct report_data_evidence a = { .nonce = nonce, .n_nonce = 32 };
	struct report_data with, without, d;

	assert(report_data_of_evidence(&a, &without, NULL) == 0);
	/* printf 'bailey-evidence:\x20\x07' and 31 zeros, into sha512sum */
	expect(&without, "d682a69740107564793ef6925a3b291fcfe7abc22c3c20a672a44ff70655aa93"
			 "04b0d3a5ae1dbddf7986b5cb7c0e342e5830f009114a5551503106cbc425a2f2");
	a.tls_key = key;
	a.n_tls_key = sizeof(key);
	assert(report_data_of_evidence(&a, &with, NULL) == 0);
	assert(memcmp(&with, &without, sizeof(with)) != 0);
	/* the length byte: a nonce cannot borrow bytes of the key */
	a.n_nonce = 33;
	nonce[32] = key[0];
	a.tls_key = key + 1;
	a.n_tls_key = sizeof(key) - 1;
	assert(report_data_of_evidence(&a, &d, NULL) == 0);
	assert(memcmp(&with, &d, sizeof(d)) != 0);
}

static void test_evidence_refuses_sizes(void)
{
	static const uint8_t bytes[REPORT_DATA_TLS_KEY_MAX + 1];
	struct report_data_evidence a = { .nonce = bytes, .n_nonce = 15 };
	struct report_data d;

	assert(report_data_of_evidence(&a, &d, NULL) == ERR_INPUT);
	a.n_nonce = 65;
	assert(report_data_of_evidence(&a, &d, NULL) == ERR_INPUT);
	a.n_nonce = 64;
	assert(report_data_of_evidence(&a, &d, NULL) == 0);
	a.tls_key = bytes;
	a.n_tls_key = sizeof(bytes);
	assert(report_data_of_evidence(&a, &d, NULL) == ERR_INPUT);
}

int main(void)
{
	test_app_data_is_dstacks();
	test_defaults_are_sha512_and_app_data();
	test_every_algorithm_and_its_zeros();
	test_raw_wants_64_bytes();
	test_evidence_binds_nonce_and_key();
	test_evidence_refuses_sizes();
	return 0;
}
