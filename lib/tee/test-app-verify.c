/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/app_verify.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tee/app_evidence.h"

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
	test_nothing_proves_nothing();
	test_what_may_be_left_out();
	test_outcomes_have_words();
	return 0;
}
