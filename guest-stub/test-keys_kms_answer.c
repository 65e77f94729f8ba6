/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "guest-stub/kms_answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "data/app_keys_file.h"
#include "data/json.h"
#include "tee/ratls_cert.h"

#define HEX32 "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX65 HEX32 HEX32 "00"

static char *root_pem, *other_pem, *key_pem;
static uint8_t spki[P256_SPKI];

static char *make_ca(const char *name, const struct p256_key *key)
{
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	const struct ratls_cert_args a = { .common_name = { name, strlen(name) },
					   .issuer_key = key,
					   .is_ca = true,
					   .path_length = 1,
					   .not_before = now - 60,
					   .not_after = now + 3600 };

	assert(ratls_cert_make(&a, &pem, NULL) == 0);
	return buf_take_str(&pem);
}

/* An answer with one member set to @value (NULL: left out). */
static char *answer(json_t *o, const char *key, json_t *value)
{
	char *text;

	if (key && value)
		(void)json_object_set_new(o, key, value);
	else if (key)
		(void)json_object_del(o, key);
	text = json_compact(o);
	json_decref(o);
	return text;
}

static json_t *temp_ca(void)
{
	return json_pack("{s:s, s:s, s:s}", "temp_ca_cert", other_pem, "temp_ca_key", key_pem,
			 "ca_cert", root_pem);
}

static json_t *app_keys(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ca_cert", root_pem,
			 "disk_crypt_key", HEX32, "env_crypt_key", HEX32, "k256_key", HEX32,
			 "k256_signature", HEX65, "tproxy_app_id", "g", "gateway_app_id", "g",
			 "os_image_hash", HEX32);
}

static void says(int r, int code, const struct err *e, const char *words)
{
	if (r != code || !strstr(e->text, words))
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", r, e->text, code, words);
	assert(r == code && strstr(e->text, words));
	assert(!strstr(e->text, "hush") && !strstr(e->text, "010101"));
}

static void bad_temp_ca(const char *key, json_t *value, const char *words)
{
	auto_free char *text = answer(temp_ca(), key, value);
	struct kms_temp_ca t = { .cert = NULL };
	struct err e = ERR_NONE;

	says(kms_answer_temp_ca(text, strlen(text), &t, &e), ERR_PROTO, &e, words);
	assert(!t.cert && !t.key && !t.root);
}

static void test_temp_ca(void)
{
	auto_free char *text = answer(temp_ca(), NULL, NULL);
	auto_free char *two = xasprintf("%s%s", root_pem, other_pem);
	auto_kms_temp_ca struct kms_temp_ca t = { .cert = NULL };
	struct err e = ERR_NONE;

	assert(kms_answer_temp_ca(text, strlen(text), &t, &e) == 0);
	assert(t.n_spki == sizeof(spki) && memcmp(t.spki, spki, sizeof(spki)) == 0);
	assert(str_equal(t.root, root_pem) && str_equal(t.cert, other_pem));
	bad_temp_ca("ca_cert", NULL, "ca_cert is not a text that begins with");
	bad_temp_ca("ca_cert", json_integer(1), "ca_cert is not a text");
	/* a second one would be believed as well, and nobody has pinned that */
	bad_temp_ca("ca_cert", json_string(two), "not one certificate");
	bad_temp_ca("ca_cert", json_string("-----BEGIN CERTIFICATE-----\nhush\n"), "ca_cert");
	bad_temp_ca("temp_ca_key", json_string("-----BEGIN ENCRYPTED PRIVATE KEY-----"),
		    "temp_ca_key is not a text");
	bad_temp_ca("temp_ca_cert", json_string("hush"), "temp_ca_cert is not a text");
	says(kms_answer_temp_ca("[\"hush\"]", 8, &t, &e), ERR_PROTO, &e, "not a JSON object");
	says(kms_answer_temp_ca("hush", 4, &t, &e), ERR_PROTO, &e, "not a JSON object");
	says(kms_answer_temp_ca("", 0, &t, &e), ERR_PROTO, &e, "not a JSON object");
}

static int take(const char *key, json_t *value, struct app_keys_file *ret, struct err *e)
{
	auto_free char *text = answer(app_keys(), key, value);

	return kms_answer_app_keys(text, strlen(text), spki, sizeof(spki), ret, e);
}

static void bad_app_keys(const char *key, json_t *value, const char *words)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct err e = ERR_NONE;

	says(take(key, value, &f, &e), ERR_PROTO, &e, words);
}

static void test_app_keys(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct err e = ERR_NONE;

	assert(take(NULL, NULL, &f, &e) == 0);
	assert(f.provider == APP_KEY_PROVIDER_KMS && f.has_env && f.has_signature &&
	       f.has_os_image_hash && f.disk.b[0] == 1 && f.env.b[31] == 1 && f.k256.b[5] == 1);
	assert(f.n_id == sizeof(spki) && memcmp(f.id, spki, sizeof(spki)) == 0 &&
	       str_equal(f.gateway_app_id, "g"));
	app_keys_file_wipe(&f);
	assert(take("env_crypt_key", json_string(""), &f, &e) == 0 && !f.has_env);
	app_keys_file_wipe(&f);
	assert(take("os_image_hash", NULL, &f, &e) == 0 && !f.has_os_image_hash);
}

static void test_keys_of_wrong_sizes(void)
{
	bad_app_keys("disk_crypt_key", json_string(""), "Failed to get valid key phrase from KMS");
	bad_app_keys("disk_crypt_key", NULL, "Failed to get valid key phrase from KMS");
	bad_app_keys("disk_crypt_key", json_string(HEX32 "01"), "disk_crypt_key is not 32 bytes");
	bad_app_keys("disk_crypt_key", json_string("hush"), "disk_crypt_key is not 32 bytes");
	bad_app_keys("k256_key", json_string("01"), "k256_key is not 32 bytes");
	bad_app_keys("k256_key",
		     json_string("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
				 "f"),
		     "k256_key is no key");
	bad_app_keys("env_crypt_key", json_string("01"), "env_crypt_key is not 32 bytes");
	bad_app_keys(
		"env_crypt_key",
		json_string("0000000000000000000000000000000000000000000000000000000000000000"),
		"env_crypt_key is all zeros");
	bad_app_keys("k256_signature", json_string(HEX32), "k256_signature is not 65 bytes");
	bad_app_keys("os_image_hash", json_string("01"), "os_image_hash is not 32 bytes");
	bad_app_keys("ca_cert", json_string(other_pem), "ca_cert has another key");
}

static void test_chain(void)
{
	auto_free char *text = answer(
		json_pack("{s:[s,s]}", "certificate_chain", root_pem, other_pem), NULL, NULL);
	char *chain[KMS_ANSWER_CHAIN_MAX];
	struct err e = ERR_NONE;
	size_t n = 0;

	assert(kms_answer_chain(text, strlen(text), chain, &n, &e) == 0 && n == 2);
	assert(str_equal(chain[1], other_pem));
	free(chain[0]);
	free(chain[1]);
	says(kms_answer_chain("{}", 2, chain, &n, &e), ERR_PROTO, &e, "a chain of 0");
	says(kms_answer_chain("{\"certificate_chain\":[1]}", 25, chain, &n, &e), ERR_PROTO, &e,
	     "certificate 1 is none");
}

static void test_words_of_a_refusal(void)
{
	char dst[KMS_ANSWER_ERROR_SIZE];
	const char *said = "{\"error\":\"App not allowed: \\n\\u001b[31m\"}";

	assert(str_equal(kms_answer_error(said, strlen(said), 400, dst),
			 "App not allowed: \\x0a\\x1b[31m"));
	assert(str_equal(kms_answer_error("<html>", 6, 502, dst), "HTTP status 502"));
	assert(str_equal(kms_answer_error("{}", 2, 404, dst), "HTTP status 404"));
}

int main(void)
{
	struct p256_key root, other;

	assert(p256_key_random(&root, NULL) == 0 && p256_key_random(&other, NULL) == 0);
	p256_key_spki(&root, spki);
	root_pem = make_ca("Dstack KMS CA", &root);
	other_pem = make_ca("Dstack Client Temp CA", &other);
	key_pem = p256_key_pem(&other);
	test_temp_ca();
	test_app_keys();
	test_keys_of_wrong_sizes();
	test_chain();
	test_words_of_a_refusal();
	free(root_pem);
	free(other_pem);
	free(key_pem);
	return 0;
}
