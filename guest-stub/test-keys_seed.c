/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "guest-stub/keys_seed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "crypto/p256.h"
#include "crypto/ratls.h"
#include "data/app_keys_file.h"
#include "tee/ratls_cert.h"
#include "tee/tee.h"

static uint8_t bound_to[TEE_REPORT_DATA_SIZE];

static int no_tee(void *arg, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	(void)arg;
	(void)ret;
	memcpy(bound_to, report_data, sizeof(bound_to));
	return err_set(e, ERR_MISSING, "there is no TEE");
}

/* dstack's vector for a seed of 32 times 0x42. */
static void test_keys_of_a_seed(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct secret32 seed;
	struct p256_key ca;
	struct ratls r = { .key.p = NULL };
	uint8_t spki[P256_SPKI];
	char hex[65];

	memset(seed.b, 0x42, sizeof(seed.b));
	assert(keys_seed_derive(&seed, APP_KEY_PROVIDER_LOCAL, no_tee, NULL, &f, NULL) == 0);
	str_hex(hex, f.disk.b, 32);
	assert(str_equal(hex, "7da9ed9d9f115d7af8cd3b1d3543ab8b593f7b6861bd7afdb6068103b0b86650"));
	str_hex(hex, f.k256.b, 32);
	assert(str_equal(hex, "bf80e92f0094755c9c2f3e83b75ae5ca0c3f427b346bf4bcf693747779a42e1d"));
	assert(!f.has_env && !f.has_signature && !f.has_os_image_hash && f.n_id == 0);
	assert(f.provider == APP_KEY_PROVIDER_LOCAL && str_equal(f.gateway_app_id, ""));
	assert(p256_key_from_pem(f.ca_key, strlen(f.ca_key), &ca, NULL) == 0);
	str_hex(hex, ca.d.b, 32);
	assert(str_equal(hex, "8512d78a8d740c7b6cdf839a4f0b91973beebd751755dd8e0beb1977ed7ebab2"));
	/* the certificate is of that key, and a quote was asked for it */
	p256_key_spki(&ca, spki);
	assert(ratls_read(f.ca_cert, strlen(f.ca_cert), &r, NULL) == 0);
	assert(r.key.n == sizeof(spki) && memcmp(r.key.p, spki, sizeof(spki)) == 0);
	assert(r.attestation.n == 0 && ratls_cert_is_bound(bound_to, spki, sizeof(spki)));
	ratls_deinit(&r);
}

static int answer(const char *text, struct buf *key, struct buf *quote, struct err *e)
{
	return keys_seed_answer(text, strlen(text), key, quote, e);
}

static void test_answers_of_a_provider(void)
{
	auto_buf struct buf key = { 0 }, quote = { 0 };
	struct err e = ERR_NONE;

	assert(answer("{\"encrypted_key\":\"0aFf\",\"provider_quote\":\"01\",\"x\":1}", &key,
		      &quote, &e) == 0);
	assert(key.n == 2 && key.p[1] == 0xff && quote.n == 1 && quote.p[0] == 1);
	assert(answer("{\"encrypted_key\":\"0a\"}", &key, &quote, &e) == ERR_PROTO &&
	       strstr(e.text, "provider_quote is not bytes in hex"));
	assert(answer("{\"encrypted_key\":\"\",\"provider_quote\":\"01\"}", &key, &quote, &e) ==
	       ERR_PROTO);
	assert(answer("{\"encrypted_key\":\"abc\",\"provider_quote\":\"01\"}", &key, &quote, &e) ==
	       ERR_PROTO);
	assert(answer("{\"encrypted_key\":[1,2],\"provider_quote\":\"01\"}", &key, &quote, &e) ==
	       ERR_PROTO);
	assert(answer("null", &key, &quote, &e) == ERR_PROTO);
	assert(answer("", &key, &quote, &e) == ERR_PROTO);
}

int main(void)
{
	test_keys_of_a_seed();
	test_answers_of_a_provider();
	return 0;
}
