/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/app_verify.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tee/app_evidence.h"

enum { QUOTE_MAX = 64 * 1024 };

static int reads(const char *text)
{
	struct app_evidence *ev = NULL;
	struct err e = ERR_NONE;
	int rc = app_evidence_read(text, strlen(text), &ev, &e);

	assert((rc == 0) == (ev != NULL) && (rc == 0) == (*e.text == '\0'));
	app_evidence_free(ev);
	return rc;
}

static void test_what_is_no_evidence(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"quote\":1}",
		"{\"quote\":\"0\"}",
		"x",
		"{\"quote\":null}",
		"{\"quote\":\"00\",\"nonce\":\"0\"}",
		"\x01\1",
		"{\"quote\":\"00\",\"report_data\":\"00\"}",
		"{\"quote\":\"00\",\"event_log\":1}",
		"{\"attestation\":\"00\"}",
	};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert(reads(bad[i]) < 0);
	assert(reads("{\"quote\":\"0x00\",\"event_log\":[],\"vm_config\":null}") == 0);
}

static void test_an_answer_has_its_parts(void)
{
	static const char text[] =
		"{\"quote\":\"0405\",\"event_log\":[1],\"vm_config\":\"{}\",\"nonce\":\"0708\","
		"\"tls_public_key\":\"09\",\"app_compose\":\"c\"}";
	struct app_evidence *ev = NULL;

	assert(app_evidence_read(text, sizeof text - 1, &ev, NULL) == 0);
	assert(ev->n_quote == 2 && ev->quote[1] == 5 && str_equal(ev->log, "[1]"));
	assert(str_equal(ev->vm_config, "{}") && str_equal(ev->compose, "c"));
	assert(ev->is_answer && ev->n_nonce == 2 && ev->n_tls_key == 1 && !ev->has_report_data);
	app_evidence_free(ev);
	assert(app_evidence_read("\x04\0x", 3, &ev, NULL) == 0);
	assert(ev->n_quote == 3 && !ev->log && !ev->is_answer);
	app_evidence_free(ev);
}

static enum app_outcome outcome_of(const struct app_result *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_rows && !str_equal(r->rows[i].name, name); i++)
		;
	assert(i < r->n_rows);
	return r->rows[i].outcome;
}

/* Who relays an old quote can tell our nonce and his own key beside it: they count if the quote holds them. */
static void test_what_is_told_must_be_in_the_quote(void)
{
	enum { REPORT_DATA_AT = 568 }; /* of a v4 quote */
	static const uint8_t key[] = { 1, 2, 3 };
	struct app_evidence ev = { .is_answer = true, .n_nonce = 16, .tls_key = mem_unconst(key) };
	struct report_data_evidence of = { ev.nonce, ev.n_nonce, key, sizeof key };
	struct app_verify_args args = { .evidence = &ev, .quote_fault = "" };
	auto_buf struct buf quote = BUF_MAX(QUOTE_MAX);
	static struct app_result r;
	struct report_data made;

	assert(file_read(AT_FDCWD, SOURCE_DIR "/tests/vectors/quotes/ok_v4/quote.bin", QUOTE_MAX,
			 &quote, NULL) == 0);
	ev.quote = quote.p;
	ev.n_quote = quote.n;
	ev.n_tls_key = sizeof key;
	args.nonce = ev.nonce;
	args.n_nonce = ev.n_nonce;
	args.channel = APP_CHANNEL_EVIDENCE;
	args.tls_key = key;
	args.n_tls_key = sizeof key;
	args.report_data = quote.p + REPORT_DATA_AT;
	app_verify(&args, &r);
	assert(outcome_of(&r, "report-data") == APP_HOLDS);
	assert(outcome_of(&r, "nonce") == APP_FAILS && outcome_of(&r, "tls-key") == APP_FAILS);

	assert(report_data_of_evidence(&of, &made, NULL) == 0);
	memcpy(quote.p + REPORT_DATA_AT, made.b, sizeof made.b);
	app_verify(&args, &r);
	assert(outcome_of(&r, "nonce") == APP_HOLDS && outcome_of(&r, "tls-key") == APP_HOLDS);
	args.report_data = NULL;
	app_verify(&args, &r);
	assert(outcome_of(&r, "report-data") == APP_HOLDS);
	args.n_tls_key--;
	app_verify(&args, &r);
	assert(outcome_of(&r, "tls-key") == APP_FAILS);
}

/* What a certificate's quote vouches for is no domain's key, and the other way round. */
static void test_each_kind_of_key_has_its_own_report_data(void)
{
	enum { REPORT_DATA_AT = 568 }; /* of a v4 quote */
	static const uint8_t key[] = { 1, 2, 3 };
	struct app_evidence ev = { .quote = NULL };
	struct app_verify_args args = { .evidence = &ev, .quote_fault = "" };
	auto_buf struct buf quote = BUF_MAX(QUOTE_MAX);
	static struct app_result r;
	struct report_data made;

	assert(file_read(AT_FDCWD, SOURCE_DIR "/tests/vectors/quotes/ok_v4/quote.bin", QUOTE_MAX,
			 &quote, NULL) == 0);
	ev.quote = quote.p;
	ev.n_quote = quote.n;
	args.channel = APP_CHANNEL_DOMAIN;
	args.tls_key = key;
	args.n_tls_key = sizeof key;
	assert(report_data_hashed("sha512", "zt-cert", key, sizeof key, &made, NULL) == 0);
	memcpy(quote.p + REPORT_DATA_AT, made.b, sizeof made.b);
	app_verify(&args, &r);
	assert(outcome_of(&r, "tls-key") == APP_HOLDS);
	assert(outcome_of(&r, "nonce") == APP_NO_MATTER);
	assert(outcome_of(&r, "report-data") == APP_NO_MATTER);
	args.channel = APP_CHANNEL_RATLS;
	app_verify(&args, &r);
	assert(outcome_of(&r, "tls-key") == APP_FAILS);
}

/* Whatever is missing, each check says what it lacks, and nothing fails for it but the evidence. */
static void test_nothing_proves_nothing(void)
{
	struct app_verify_args args = { .evidence_fault = "there is none", .quote_fault = "" };
	static struct app_result r;
	size_t i;

	app_verify(&args, &r);
	assert(str_equal(r.check, "evidence") && r.n_failed == 1 && r.n_held == 0);
	for (i = 0; i < r.n_rows; i++)
		assert(r.rows[i].outcome != APP_HOLDS && *r.rows[i].why && *r.rows[i].claim);
	args.has_image = true;
	args.image_hash = "";
	args.measurement_fault = "it cannot";
	app_verify(&args, &r);
	assert(r.n_failed == 1 && r.n_held == 1); /* the image is as it was left */
}

static void test_what_may_be_left_out(void)
{
	static const char *const may[] = { "nonce",  "report-data", "image",
					   "mrtd",   "compose",	    "compose-hash",
					   "app-id", "event-log",   "rtmr3" };
	static const char *const never[] = {
		"quote", "evidence", "tdx", "tls-key", "", "collateral"
	};
	size_t i;

	for (i = 0; i < sizeof may / sizeof *may; i++)
		assert(app_verify_may_lack(may[i]));
	for (i = 0; i < sizeof never / sizeof *never; i++)
		assert(!app_verify_may_lack(never[i]));
}

static void test_outcomes_have_words(void)
{
	enum app_outcome o;

	for (o = APP_HOLDS; o < APP_OUTCOME_COUNT; o++)
		assert(*app_outcome_name(o));
}

int main(void)
{
	test_what_is_no_evidence();
	test_an_answer_has_its_parts();
	test_what_is_told_must_be_in_the_quote();
	test_each_kind_of_key_has_its_own_report_data();
	test_nothing_proves_nothing();
	test_what_may_be_left_out();
	test_outcomes_have_words();
	return 0;
}
