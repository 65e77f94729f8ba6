/* SPDX-License-Identifier: Apache-2.0 */
/* Test env_key: golden answers of a KMS, and each way in which one can lie. */
#undef NDEBUG
#include "cli/env_key.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/exit.h"
#include "data/json.h"

/* Of a KMS with dstack's test roots, for the app 11..11 at 1700000000. */
#define SIGNER "0375427ab8309aad26beea8142edf427674e4544604ae4dc5045108ad21fc8a0db"
#define KEY    "93cf259f68b24775d54290a8ea57cf93efc994d3ff28a7b8ba7a39e9f512302f"
#define UNTIMED                                                                                    \
	"bff2e0b0d7b724c966d1b3b828b67d15a6c3f2cd224141c5a6aa51d4a85ce861"                         \
	"05071c248f0861d6748bece1a53e5941e9f473bb6c0f588b9673d05f46b9a70001"
#define TIMED                                                                                      \
	"c77f17c73c62ba0aa36e72f4bb71b5a082dbfaf9dc60a396d569739f1870dda1"                         \
	"06c8c524091f9870ac9f5cebcb95c14e0a6731396aa8229f8b8817968a94d32901"
#define NOW UINT64_C(1700000000)

/* Of dstack's SDKs: the app 00..00. */
#define SDK_KEY "e33a1832c6562067ff8f844a61e51ad051f1180b66ec2551fb0251735f3ee90a"
#define SDK_SIG                                                                                    \
	"8542c49081fbf4e03f62034f13fbf70630bdf256a53032e38465a27c36fd6bed"                         \
	"7a5e7111652004aef37f7fd92fbfc1285212c4ae6a6154203a48f5e16cad2cef00"
#define SDK_SIGNER "0217610d74cbd39b6143842c6d8bc310d79da1d82cc9d17f8876376221eda0c38f"

static struct env_key_rules rules_of(const char *signer, uint8_t app, uint64_t now)
{
	struct env_key_rules r = { .now = now };

	memset(r.app_id, app, sizeof(r.app_id));
	assert(str_unhex(r.signer, sizeof(r.signer), signer) == 0);
	return r;
}

static int check(const char *text, const struct env_key_rules *r, struct env_key *ret,
		 struct err *e)
{
	json_t *j = NULL;
	int rc;

	assert(json_parse(text, strlen(text), 4096, "answer", &j, NULL) == 0);
	rc = env_key_check(j, r, ret, e);
	json_decref(j);
	return rc;
}

static void refused(const char *text, const struct env_key_rules *r, int code, const char *message)
{
	struct env_key k = { .signed_at = 7 };
	struct err e = ERR_NONE;
	int rc = check(text, r, &k, &e);

	if (rc != code || !strstr(e.text, message))
		(void)fprintf(stderr, "%s\n    said %d: %s\n    want %s\n", text, rc, e.text,
			      message);
	assert(rc == code && strstr(e.text, message) && k.signed_at == 7);
}

#define ANSWER(key, untimed, seconds, timed)                                                       \
	"{\"public_key\":\"" key "\",\"signature\":\"" untimed "\",\"timestamp\":" seconds         \
	",\"signature_v1\":\"" timed "\"}"

static void test_a_golden_answer_is_believed(void)
{
	struct env_key_rules r = rules_of(SIGNER, 0x11, NOW);
	char hex[2 * X25519_PUBLIC + 1];
	struct env_key k;

	assert(check(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, &k, NULL) == 0);
	str_hex(hex, k.key, sizeof(k.key));
	assert(str_equal(hex, KEY) && k.signed_at == NOW);
	assert(check(ANSWER(KEY, "", "1700000000", TIMED), &r, &k, NULL) == 0);
	r.now = NOW + ENV_KEY_AGE_MAX;
	assert(check(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, &k, NULL) == 0);
	r.now = NOW - ENV_KEY_AHEAD_MAX;
	assert(check(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, &k, NULL) == 0);
}

static void test_an_old_answer_is_refused(void)
{
	struct env_key_rules r = rules_of(SIGNER, 0x11, NOW + ENV_KEY_AGE_MAX + 1);

	refused(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, ERR_UNPROVEN, "signed 301 s ago");
	r.allow_untimed = true; /* says nothing of an answer that has a time */
	refused(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, ERR_UNPROVEN, "signed 301 s ago");
	/* its time made younger: signed by nobody known */
	refused(ANSWER(KEY, UNTIMED, "1700000300", TIMED), &r, ERR_UNPROVEN, "not signed by");
	r.now = NOW - ENV_KEY_AHEAD_MAX - 1;
	refused(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, ERR_UNPROVEN, "61 s ahead");
	r.now = 0;
	refused(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &r, ERR_UNPROVEN, "ahead");
}

static void test_another_key_app_or_signer_is_refused(void)
{
	struct env_key_rules other_app = rules_of(SIGNER, 0x12, NOW);
	struct env_key_rules other_signer = rules_of(SDK_SIGNER, 0x11, NOW);
	struct env_key_rules r = rules_of(SIGNER, 0x11, NOW);

	refused(ANSWER(SDK_KEY, UNTIMED, "1700000000", TIMED), &r, ERR_UNPROVEN,
		"not signed by kms_signer " SIGNER);
	refused(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &other_app, ERR_UNPROVEN,
		"not signed by");
	refused(ANSWER(KEY, UNTIMED, "1700000000", TIMED), &other_signer, ERR_UNPROVEN,
		"not signed by kms_signer " SDK_SIGNER ", but by " SIGNER);
	/* the old signature in the place of the new one */
	refused(ANSWER(KEY, UNTIMED, "1700000000", UNTIMED), &r, ERR_UNPROVEN, "not signed by");
}

static void test_a_signature_without_time_is_taken_only_on_request(void)
{
	struct env_key_rules r = rules_of(SDK_SIGNER, 0, NOW);
	struct env_key k;

	refused(ANSWER(SDK_KEY, SDK_SIG, "0", ""), &r, ERR_UNPROVEN, "--allow-untimed");
	r.allow_untimed = true;
	assert(check(ANSWER(SDK_KEY, SDK_SIG, "0", ""), &r, &k, NULL) == 0 && k.signed_at == 0);
	assert(check("{\"public_key\":\"" SDK_KEY "\",\"signature\":\"" SDK_SIG "\"}", &r, &k,
		     NULL) == 0);
	refused(ANSWER(KEY, SDK_SIG, "0", ""), &r, ERR_UNPROVEN, "not signed by");
	refused(ANSWER(SDK_KEY, "", "0", ""), &r, ERR_UNPROVEN, "--allow-untimed");
}

static void test_what_has_no_form_is_refused(void)
{
	struct env_key_rules r = rules_of(SIGNER, 0x11, NOW);

	r.allow_untimed = true;
	refused("{}", &r, ERR_PROTO, "has no public_key");
	refused("[]", &r, ERR_PROTO, "has no public_key");
	refused("{\"public_key\":7}", &r, ERR_PROTO, "has no public_key");
	refused(ANSWER("93cf", UNTIMED, "1700000000", TIMED), &r, ERR_PROTO,
		"public_key is not 32");
	refused(ANSWER(KEY "00", UNTIMED, "1700000000", TIMED), &r, ERR_PROTO,
		"public_key is not 32");
	refused(ANSWER(KEY, "00", "1700000000", TIMED), &r, ERR_PROTO, "signature is not 65");
	refused(ANSWER(KEY, UNTIMED, "1700000000", "zz"), &r, ERR_PROTO, "signature_v1 is not 65");
	refused(ANSWER(KEY, UNTIMED, "\"x\"", TIMED), &r, ERR_UNPROVEN, "");
	refused(ANSWER(KEY, UNTIMED, "-1", TIMED), &r, ERR_UNPROVEN, "");
	refused("{\"public_key\":\"" KEY "\",\"signature_v1\":\""
		"0000000000000000000000000000000000000000000000000000000000000000"
		"000000000000000000000000000000000000000000000000000000000000000000\"}",
		&r, ERR_UNPROVEN, "is none");
}

int main(void)
{
	test_a_golden_answer_is_believed();
	test_an_old_answer_is_refused();
	test_another_key_app_or_signer_is_refused();
	test_a_signature_without_time_is_taken_only_on_request();
	test_what_has_no_form_is_refused();
	return 0;
}
