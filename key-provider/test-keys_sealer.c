/* SPDX-License-Identifier: Apache-2.0 */
/* Which key measurements have, to whom it is sealed, and that a guest takes it */
#undef NDEBUG
#include "key-provider/sealer.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "crypto/x25519.h"
#include "key-provider/keys.h"
#include "tee/provider_check.h"
#include "wire/quote.h"

static const char file[] = "{\"version\":1,\"sealing_key\":\"%s\",\"signing_key\":\"%s\"}";

/* A TD that says little: each register of one byte, 48 times, from @from on. */
struct measured {
	uint8_t m[5][QUOTE_MEASUREMENT_SIZE], report_data[64];
	struct quote_td_report td;
};

static void measured_init(struct measured *m, uint8_t from)
{
	size_t i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < 5; i++)
		memset(m->m[i], from + (int)i, sizeof(m->m[i]));
	m->td.mr_td = m->m[0];
	for (i = 0; i < 4; i++)
		m->td.rtmr[i] = m->m[i + 1];
	m->td.report_data = m->report_data;
}

static void keys_init(struct keys *k)
{
	struct digest256 id;

	memset(k, 0, sizeof(*k));
	memset(k->sealing.b, 0x5e, sizeof(k->sealing.b));
	assert(p256_key_random(&k->signing, NULL) == 0);
	p256_key_spki(&k->signing, k->spki);
	id = digest256_bytes(k->spki, sizeof(k->spki));
	memcpy(k->id, id.b, sizeof(k->id));
}

/* The reference's own vector is of the words themselves. */
static void test_the_reference_derives_so(void)
{
	static const char hex[] =
		"dc3b7262588a756aa3c809cecbc1e4a04e1ceb4713731ef49cb335fd68d07781";
	const struct digest_part parts[] = { { "sealing key", 11 }, { "measurements", 12 } };
	struct digest256 d = digest256_of(parts, 2), want;

	assert(str_unhex(want.b, sizeof(want.b), hex) == 0);
	assert(memcmp(d.b, want.b, sizeof(d.b)) == 0);
}

static void test_a_key_is_the_digest_of_all_that_was_measured(void)
{
	uint8_t all[32 + 5 * QUOTE_MEASUREMENT_SIZE];
	struct secret32 sealing, key, other;
	struct digest256 want;
	struct measured m;
	size_t i;

	measured_init(&m, 1);
	memset(sealing.b, 0x5e, sizeof(sealing.b));
	memcpy(all, sealing.b, 32);
	memcpy(all + 32, m.m, sizeof(m.m));
	want = digest256_bytes(all, sizeof(all));
	sealer_derive(&sealing, &m.td, &key);
	assert(secret_equal(key.b, want.b, 32));
	for (i = 0; i < 5; i++) { /* each register counts */
		m.m[i][47] ^= 1;
		sealer_derive(&sealing, &m.td, &other);
		assert(!secret_equal(key.b, other.b, 32));
		m.m[i][47] ^= 1;
	}
	sealing.b[0] ^= 1;
	sealer_derive(&sealing, &m.td, &other);
	assert(!secret_equal(key.b, other.b, 32));
}

static void test_a_guest_takes_what_is_sealed_to_it(void)
{
	static const uint8_t quote[] = { 4, 0, 2, 0 };
	struct provider_check_args a;
	struct key_frame_answer answer;
	struct secret32 secret, want;
	struct provider_found f;
	struct measured m;
	struct keys k;

	keys_init(&k);
	measured_init(&m, 9);
	secret_random(&secret, sizeof(secret));
	assert(x25519_public(&secret, m.report_data, NULL) == 0);
	assert(sealer_seal(&k, &m.td, quote, sizeof(quote), &answer, NULL) == 0);
	assert(answer.encrypted_key.n == PROVIDER_BOX_SIZE);
	a = (struct provider_check_args){ .encrypted_key = answer.encrypted_key.p,
					  .n_encrypted_key = answer.encrypted_key.n,
					  .provider_quote = answer.provider_quote.p,
					  .n_provider_quote = answer.provider_quote.n,
					  .quote = quote,
					  .n_quote = sizeof(quote),
					  .secret = &secret,
					  .pin = k.id,
					  .n_pin = sizeof(k.id) };
	assert(provider_check(&a, &f, NULL) == 0 && f.kind == PROVIDER_BAILEY);
	sealer_derive(&k.sealing, &m.td, &want);
	assert(secret_equal(f.key.b, want.b, 32));
	key_frame_answer_deinit(&answer);
}

static void must_be_refused(const struct measured *m, const char *says)
{
	struct key_frame_answer answer;
	struct err e = ERR_NONE;
	struct keys k;

	keys_init(&k);
	assert(sealer_seal(&k, &m->td, "q", 1, &answer, &e) == ERR_INPUT && strstr(e.text, says));
}

static void test_what_anybody_could_open_is_not_sealed(void)
{
	/* The points of small order on curve25519 (RFC 7748, section 6.1: the shared secret would be zero). */
	static const char *const low[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct measured m;
	size_t i;

	for (i = 0; i < sizeof(low) / sizeof(*low); i++) {
		measured_init(&m, 1);
		assert(str_unhex(m.report_data, 32, low[i]) == 0);
		must_be_refused(&m, "no X25519 key");
	}
}

static void test_report_data_is_a_key_and_nothing_else(void)
{
	struct secret32 secret;
	struct measured m;
	size_t i;

	for (i = 32; i < 64; i++) {
		measured_init(&m, 1);
		secret_random(&secret, sizeof(secret));
		assert(x25519_public(&secret, m.report_data, NULL) == 0);
		m.report_data[i] = 1;
		must_be_refused(&m, "must be zero");
	}
}

static void test_files_that_hold_no_keys(void)
{
	static const char good[] =
		"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
	static const char *const bad[] = { "",	"{}", "null", "{\"version\":1}", "{\"version\":2,",
					   "\0" };
	auto_free char *pem = NULL, *escaped = xcalloc(1, 2 * P256_PEM_MAX), *text = NULL;
	struct err e = ERR_NONE;
	struct keys k, back;
	char *to = escaped;
	size_t i;

	keys_init(&k);
	pem = p256_key_pem(&k.signing);
	for (i = 0; pem[i]; i++) {
		if (pem[i] == '\n')
			*to++ = '\\';
		*to++ = pem[i] == '\n' ? 'n' : pem[i];
	}
	text = xasprintf(file, good, escaped);
	assert(keys_read(text, strlen(text), &back, &e) == 0);
	assert(memcmp(back.id, k.id, sizeof(k.id)) == 0 && back.sealing.b[31] == 0x5e);
	for (i = 0; i < strlen(text); i++)
		assert(keys_read(text, i, &back, &e) == ERR_CORRUPT);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(keys_read(bad[i], strlen(bad[i]), &back, &e) == ERR_CORRUPT);
	free(text);
	text = xasprintf(file, "00", escaped);
	assert(keys_read(text, strlen(text), &back, &e) == ERR_CORRUPT);
	free(text);
	text = xasprintf(file, good, "x");
	assert(keys_read(text, strlen(text), &back, &e) == ERR_CORRUPT);
	free(text);
	text = xasprintf(file, "0000000000000000000000000000000000000000000000000000000000000000",
			 escaped);
	assert(keys_read(text, strlen(text), &back, &e) == ERR_CORRUPT);
}

int main(void)
{
	test_the_reference_derives_so();
	test_a_key_is_the_digest_of_all_that_was_measured();
	test_a_guest_takes_what_is_sealed_to_it();
	test_what_anybody_could_open_is_not_sealed();
	test_report_data_is_a_key_and_nothing_else();
	test_files_that_hold_no_keys();
	return 0;
}
