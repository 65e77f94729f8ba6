/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_kms: the keys of an honest KMS, and what becomes of each kind of liar */
#undef NDEBUG
#include "guest-stub/keys_kms.h"

#include <errno.h>

#include "base/err.h"
#include "data/app_keys_file.h"
#include "guest-stub/test_kms.h"
#include "tee/report_data.h"
#include "wire/attestation.h"

#define VM_CONFIG "{\"os_image_hash\":\"\xc3\xa9\"}"

static struct test_kms_roots roots;
static struct p256_key key;
static struct buf attestation;

/* Some attestation: a certificate can carry it, and nobody here verifies it. */
static void make_attestation(void)
{
	struct attestation *a = xnew(struct attestation);
	uint8_t spki[P256_SPKI];
	struct report_data d;

	assert(p256_key_random(&key, NULL) == 0);
	p256_key_spki(&key, spki);
	ratls_cert_report_data(spki, sizeof(spki), &d);
	memcpy(a->report_data, d.b, sizeof(d.b));
	a->quote = (struct attestation_bytes){ (const uint8_t *)"quote", 5 };
	a->config = (struct attestation_bytes){ (const uint8_t *)"{}", 2 };
	attestation = BUF_MAX(1 << 20);
	assert(attestation_write(a, ATTESTATION_V0, &attestation) == 0);
	free(a);
}

static struct keys_kms_args args_for(const char *const *urls, size_t n)
{
	return (struct keys_kms_args){ .urls = urls,
				       .n_urls = n,
				       .pin = roots.spki,
				       .n_pin = sizeof(roots.spki),
				       .vm_config = VM_CONFIG,
				       .key = &key,
				       .attestation = attestation.p,
				       .n_attestation = attestation.n,
				       .retry_ms = 0,
				       .pause_ms = 20,
				       .deadline = time_mono_ms() + 120000 };
}

static void check_keys(const struct app_keys_file *f, const struct test_kms *k)
{
	auto_free char *base = xasprintf("%s/prpc", k->url);

	assert(f->provider == APP_KEY_PROVIDER_KMS && f->disk.b[0] == 1 && f->has_env &&
	       f->has_signature && f->has_os_image_hash);
	assert(f->n_id == sizeof(roots.spki) && memcmp(f->id, roots.spki, f->n_id) == 0);
	assert(str_equal(f->url, base) && str_equal(f->gateway_app_id, "gate"));
	assert(str_equal(f->tmp_ca_cert, roots.temp_pem) && str_equal(f->ca_cert, roots.root_pem));
}

static void test_an_honest_kms(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	json_auto_t *asked = NULL;
	struct test_kms k;
	const char *urls[] = { k.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;
	uint8_t spki[P256_SPKI];

	test_kms_start(&k, &roots, KMS_HONEST);
	a = args_for(urls, 1);
	assert(keys_kms_get(&a, &f, &e) == 0);
	check_keys(&f, &k);
	assert(k.n_temp == 1 && k.n_keys == 1);
	/* who asked: by a certificate of our key, with the attestation for it */
	p256_key_spki(&key, spki);
	assert(k.client.key.n == sizeof(spki) && memcmp(k.client.key.p, spki, sizeof(spki)) == 0);
	assert(k.client.attestation.n > 0);
	assert(json_parse(k.asked, strlen(k.asked), 1 << 20, "asked", &asked, NULL) == 0);
	assert(json_get_u64(asked, "api_version", 0) == 1 &&
	       str_equal(json_get_str(asked, "vm_config", ""), VM_CONFIG));
	app_keys_file_wipe(&f);
	/* without a pin, and with leave */
	a.n_pin = 0;
	assert(keys_kms_get(&a, &f, &e) == ERR_INPUT);
	a.may_be_unpinned = true;
	assert(keys_kms_get(&a, &f, &e) == 0);
	check_keys(&f, &k);
	test_kms_stop(&k);
}

/* Refused, with these words; never asked again; and the KMS that is next gives the keys. */
static void liar(enum test_kms_lie lie, const char *words)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct test_kms k, honest;
	const char *urls[] = { k.url, honest.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;

	test_kms_start(&k, &roots, lie);
	test_kms_start(&honest, &roots, KMS_HONEST);
	a = args_for(urls, 1);
	a.retry_ms = 100000;
	assert(keys_kms_get(&a, &f, &e) < 0 && e.code != -EAGAIN && !f.ca_cert && !f.url);
	if (!strstr(e.text, words))
		(void)fprintf(stderr, "got: %s\nexpected: %s\n", e.text, words);
	assert(str_starts(e.text, "Failed to get app keys from KMS: ") && strstr(e.text, words));
	assert(strstr(e.text, "https://127.0.0.1:") && !strchr(e.text, '\n'));
	assert(!strstr(e.text, "0101010101"));
	assert(k.n_temp <= 1 && k.n_keys <= 1);
	a = args_for(urls, 2);
	assert(keys_kms_get(&a, &f, &e) == 0);
	check_keys(&f, &honest);
	test_kms_stop(&k);
	test_kms_stop(&honest);
}

static void test_liars(void)
{
	liar(KMS_OTHER_ROOT, "Unexpected key provider id: 3059");
	liar(KMS_BORROWS_ROOT, "is not signed by anyone who is believed");
	liar(KMS_IS_AN_APP, "Invalid server cert usage: app:custom");
	liar(KMS_APP_REFUSES, "Invalid server cert usage: app:custom");
	liar(KMS_IS_NOBODY, "missing server cert usage");
	liar(KMS_ELSEWHERE, "is not for 127.0.0.1");
	liar(KMS_SHORT_KEY, "disk_crypt_key is not 32 bytes");
	liar(KMS_NO_KEY, "Failed to get valid key phrase from KMS");
	liar(KMS_SWAPS_CA, "ca_cert has another key");
	liar(KMS_TWO_ROOTS, "not one certificate");
	liar(KMS_REFUSES, "App not allowed: Boot denied: not\\x0alisted");
	liar(KMS_GARBAGE, "not a JSON object");
}

/* One that was told nothing of what an impostor learns: the attestation goes to servers of the root only. */
static void test_impostors_learn_nothing(void)
{
	static const enum test_kms_lie lies[] = { KMS_OTHER_ROOT, KMS_BORROWS_ROOT, KMS_ELSEWHERE };
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
		struct test_kms k;
		const char *urls[] = { k.url };
		struct keys_kms_args a;

		test_kms_start(&k, &roots, lies[i]);
		a = args_for(urls, 1);
		assert(keys_kms_get(&a, &f, NULL) < 0);
		assert(k.n_keys == 0 && !k.asked && !k.client.key.p);
		test_kms_stop(&k);
	}
}

static void test_a_kms_that_restarts(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct test_kms k;
	const char *urls[] = { k.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;

	test_kms_start(&k, &roots, KMS_HONEST);
	a = args_for(urls, 1);
	k.n_hang_up = 1;
	k.n_busy = 1;
	assert(keys_kms_get(&a, &f, &e) == -EAGAIN); /* without time for another try */
	k.n_hang_up = 1;
	a.retry_ms = 60000;
	assert(keys_kms_get(&a, &f, &e) == 0);
	check_keys(&f, &k);
	assert(k.n_keys == 1);
	app_keys_file_wipe(&f);
	/* killed when it was asked: all is begun again, with a temporary CA of its next life */
	k.n_die = 2;
	k.n_temp = 0;
	assert(keys_kms_get(&a, &f, &e) == 0 && k.n_temp == 3 && k.n_keys == 2);
	check_keys(&f, &k);
	test_kms_stop(&k);
}

/* Killed in the middle of an answer: it may be back later, and the next is tried meanwhile. */
static void test_an_answer_that_breaks_off(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct test_kms k, honest;
	const char *urls[] = { k.url, honest.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;

	test_kms_start(&k, &roots, KMS_LARGE);
	test_kms_start(&honest, &roots, KMS_HONEST);
	a = args_for(urls, 1);
	a.retry_ms = 200;
	assert(keys_kms_get(&a, &f, &e) < 0 && strstr(e.text, "in the middle of the answer"));
	assert(k.n_temp > 1 && k.n_keys == 0);
	a = args_for(urls, 2);
	assert(keys_kms_get(&a, &f, &e) == 0);
	check_keys(&f, &honest);
	test_kms_stop(&k);
	test_kms_stop(&honest);
}

/* The first is dead, the second lies: all is said in one line, the first's fault first. */
static void test_every_failure_is_told(void)
{
	struct app_keys_file f = { .n_id = 0 };
	struct test_kms k, dead;
	const char *urls[] = { dead.url, k.url, "http://plain" };
	struct keys_kms_args a;
	struct err e = ERR_NONE;
	const char *first, *second, *third;

	test_kms_start(&dead, &roots, KMS_HONEST);
	test_kms_stop(&dead);
	test_kms_start(&k, &roots, KMS_REFUSES);
	a = args_for(urls, 3);
	a.retry_ms = 100000; /* not used: the KMS itself said no */
	assert(keys_kms_get(&a, &f, &e) < 0 && e.code != -EAGAIN && k.n_keys == 1);
	first = strstr(e.text, "GetTempCaCert: https://127.0.0.1");
	second = strstr(e.text, "App not allowed");
	third = strstr(e.text, "KMS URL 3 is not https://HOST");
	assert(str_starts(e.text, "Failed to get app keys from KMS: GetTempCaCert: "));
	assert(first && second && third && first < second && second < third);
	a.n_urls = 0;
	assert(keys_kms_get(&a, &f, &e) == ERR_INPUT && str_equal(e.text, "No KMS URLs are set"));
	test_kms_stop(&k);
}

/* An app of the same KMS, at its place: its no is not the KMS's, so the KMS that is not up yet is waited for. */
static void test_the_no_of_an_app(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct test_kms k, honest;
	const char *urls[] = { k.url, honest.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;

	test_kms_start(&k, &roots, KMS_APP_REFUSES);
	test_kms_start(&honest, &roots, KMS_HONEST);
	honest.n_busy = 1;
	a = args_for(urls, 2);
	a.retry_ms = 60000;
	assert(keys_kms_get(&a, &f, &e) == 0 && k.n_keys == 1);
	check_keys(&f, &honest);
	test_kms_stop(&k);
	test_kms_stop(&honest);
}

/* Two that hang take their shares of the time, and the third has its own. */
static void test_who_hangs_leaves_time(void)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 };
	struct test_kms one, two, honest;
	const char *urls[] = { one.url, two.url, honest.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;

	test_kms_start(&one, &roots, KMS_HANGS);
	test_kms_start(&two, &roots, KMS_HANGS);
	test_kms_start(&honest, &roots, KMS_HONEST);
	a = args_for(urls, 3);
	a.deadline = time_mono_ms() + 6000;
	assert(keys_kms_get(&a, &f, &e) == 0);
	check_keys(&f, &honest);
	app_keys_file_wipe(&f);
	a.n_urls = 2;
	a.deadline = time_mono_ms() + 400;
	assert(keys_kms_get(&a, &f, &e) < 0 && strstr(e.text, "no answer in time"));
	test_kms_stop(&one);
	test_kms_stop(&two);
	test_kms_stop(&honest);
}

/* The host says where the KMS is, not what it is asked, nor what stands in the log. */
static void test_urls_that_are_more(void)
{
	static const char *const urls[] = { "https://127.0.0.1:1/prpc/GetKmsKey",
					    "https://127.0.0.1:1?x",
					    "https://127.0.0.1:1#x",
					    "https://a\x1b[31m",
					    "https://a b",
					    "https://",
					    "https:///",
					    "https://u@h",
					    "http://127.0.0.1:1" };
	struct app_keys_file f = { .n_id = 0 };
	struct keys_kms_args a;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		e = ERR_NONE;
		a = args_for(urls + i, 1);
		assert(keys_kms_get(&a, &f, &e) == ERR_INPUT);
		assert(strstr(e.text, ": KMS URL 1 is not https://HOST[:PORT]"));
	}
}

static void test_nothing_begins_after_the_deadline(void)
{
	struct app_keys_file f = { .n_id = 0 };
	struct test_kms k;
	const char *urls[] = { k.url };
	struct keys_kms_args a;
	struct err e = ERR_NONE;

	test_kms_start(&k, &roots, KMS_HONEST);
	a = args_for(urls, 1);
	a.deadline = time_mono_ms();
	a.retry_ms = 60000;
	assert(keys_kms_get(&a, &f, &e) < 0 && strstr(e.text, "no time was left"));
	assert(k.n_temp == 0);
	test_kms_stop(&k);
}

int main(void)
{
	test_kms_roots_init(&roots);
	make_attestation();
	test_an_honest_kms();
	test_liars();
	test_impostors_learn_nothing();
	test_a_kms_that_restarts();
	test_an_answer_that_breaks_off();
	test_every_failure_is_told();
	test_nothing_begins_after_the_deadline();
	test_the_no_of_an_app();
	test_who_hangs_leaves_time();
	test_urls_that_are_more();
	buf_deinit(&attestation);
	test_kms_roots_deinit(&roots);
	return 0;
}
