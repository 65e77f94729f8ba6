/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/app_verify.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tee/app_ctx.h"
#include "tee/quote_verify.h"

enum { HEX_BYTES = 16 }; /* of a digest, in a reason */

static void check_evidence(struct app_ctx *c);
static void check_quote(struct app_ctx *c);
static void check_tdx(struct app_ctx *c);

static const struct check {
	const char *name, *claim, *wants; /* as of struct app_row */
	void (*run)(struct app_ctx *c);
} checks[] = {
	{ "evidence", "the evidence has a known form", NULL, check_evidence },
	{ "quote", "the quote is of a genuine platform, by the checks named quote.*", NULL,
	  check_quote },
	{ "tdx", "the quote is of a TDX machine", NULL, check_tdx },
	{ "report-data", "the quote holds the report data told, or those expected", "report-data",
	  app_check_report_data },
	{ "nonce", "the quote was made for our nonce, so it is of now", "nonce", app_check_nonce },
	{ "tls-key", "the quote vouches for the key that the connection showed", NULL,
	  app_check_tls_key },
	{ "event-log", "the event log is whole: every event once, in its place, with its digest",
	  "event-log", app_check_event_log },
	{ "log-registers", "the firmware's events make RTMR0 to RTMR2 of the quote", "event-log",
	  app_check_log_registers },
	{ "rtmr3", "the guest's events make RTMR3 of the quote", "event-log", app_check_rtmr3 },
	{ "vm-config", "the machine's description can be read and be built", "image",
	  app_check_vm_config },
	{ "image", "the image given is as its builder left it", "image", app_check_image },
	{ "os-image-hash", "it is the image that machine and guest name", "image",
	  app_check_image_hash },
	{ "mrtd", "MRTD is that of the image's firmware", "image", app_check_mrtd },
	{ "rtmr0", "RTMR0 is that of the firmware and of the machine described", "image",
	  app_check_rtmr0 },
	{ "rtmr1", "RTMR1 is that of the image's kernel", "image", app_check_rtmr1 },
	{ "rtmr2", "RTMR2 is that of the image's command line and initrd", "image",
	  app_check_rtmr2 },
	{ "compose-hash", "the compose known is the one that the guest measured", "compose",
	  app_check_compose_hash },
	{ "app-id", "the app has the id expected, or that of its compose", "app-id",
	  app_check_app_id },
	{ "mr-config", "MRCONFIGID is of this compose and this app", "event-log",
	  app_check_mr_config },
};

enum { N_CHECKS = sizeof checks / sizeof *checks };

const char *app_outcome_name(enum app_outcome o)
{
	static const char *const names[APP_OUTCOME_COUNT] = { "ok", "failed", "unchecked", "none" };

	assert(o < APP_OUTCOME_COUNT);
	return names[o];
}

bool app_verify_may_lack(const char *name)
{
	size_t i;

	for (i = 0; i < N_CHECKS; i++) {
		if (checks[i].wants &&
		    (str_equal(checks[i].name, name) || str_equal(checks[i].wants, name)))
			return true;
	}
	return false;
}

void app_say(struct app_ctx *c, enum app_outcome outcome, const char *fmt, ...)
{
	va_list ap;

	c->row->outcome = outcome;
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() */
	(void)vsnprintf(c->row->why, sizeof c->row->why, fmt, ap);
	va_end(ap);
}

void app_compare(struct app_ctx *c, const char *what, const void *wanted, const void *got, size_t n)
{
	char a[2 * HEX_BYTES + 1], b[2 * HEX_BYTES + 1];
	size_t shown = n < HEX_BYTES ? n : HEX_BYTES;
	const char *more = n > shown ? "..." : "";

	if (memcmp(wanted, got, n) == 0) {
		app_say(c, APP_HOLDS, "%s", "");
		return;
	}
	str_hex(a, wanted, shown);
	str_hex(b, got, shown);
	app_say(c, APP_FAILS, "%s: expected %s%s, got %s%s", what, a, more, b, more);
}

bool app_needs_td(struct app_ctx *c)
{
	if (!c->td)
		app_say(c, APP_UNCHECKED, "there is no quote of a TD");
	return c->td != NULL;
}

const uint8_t *app_needs_event(struct app_ctx *c, const char *name, size_t n)
{
	const struct event *ev = c->a->account ? account_event(c->a->account, name) : NULL;

	if (ev && ev->n_payload == n)
		return ev->payload;
	app_say(c, APP_UNCHECKED, "the event log has no %s event to compare with", name);
	return NULL;
}

static void check_evidence(struct app_ctx *c)
{
	if (!c->a->evidence)
		app_say(c, APP_FAILS, "%s", c->a->evidence_fault);
}

/* The row of a quote that could not be verified; one that could has rows of its own. */
static void check_quote(struct app_ctx *c)
{
	if (!c->a->evidence)
		app_say(c, APP_UNCHECKED, "there is none");
	else if (!c->a->quote)
		app_say(c, APP_UNCHECKED, "%s", c->a->quote_fault);
	else if (c->a->quote->check)
		app_say(c, APP_FAILS, "quote.%s", c->a->quote->check);
}

static void check_tdx(struct app_ctx *c)
{
	if (!c->a->evidence)
		app_say(c, APP_UNCHECKED, "there is no quote");
	else if (!c->td)
		app_say(c, APP_FAILS, "it is of an SGX enclave, or no quote");
}

static struct app_row *next_row(struct app_result *r, const char *prefix, const char *name,
				const char *claim, const char *wants)
{
	struct app_row *row = &r->rows[r->n_rows++];

	assert(r->n_rows <= APP_ROWS_MAX);
	(void)str_format(row->name, sizeof row->name, "%s%s", prefix, name);
	row->claim = claim;
	row->wants = wants;
	row->outcome = APP_HOLDS;
	return row;
}

/* What the verifier of quotes found, a row each. */
static void add_quote(struct app_result *r, const struct quote_result *q)
{
	size_t i;

	for (i = 0; quote_checks[i].name; i++) {
		struct app_row *row =
			next_row(r, "quote.", quote_checks[i].name, quote_checks[i].claim, NULL);

		if (i < q->n_held)
			continue;
		row->outcome = i == q->n_held ? APP_FAILS : APP_UNCHECKED;
		(void)str_copy(row->why, sizeof row->why, "not reached");
		if (i == q->n_held)
			(void)snprintf(row->why, sizeof row->why, "expected %.100s, got %.100s",
				       q->expected, q->got);
	}
}

static void count(struct app_result *r)
{
	size_t i;

	for (i = 0; i < r->n_rows; i++) {
		switch (r->rows[i].outcome) {
		case APP_HOLDS:
			r->n_held++;
			break;
		case APP_FAILS:
			r->n_failed++;
			if (!r->check)
				r->check = r->rows[i].name;
			break;
		case APP_UNCHECKED:
			r->n_unchecked++;
			break;
		case APP_NO_MATTER:
		case APP_OUTCOME_COUNT:
		default:
			break;
		}
	}
}

void app_verify(const struct app_verify_args *args, struct app_result *ret)
{
	struct app_ctx c = { .a = args };
	struct quote q;
	size_t i;

	*ret = (struct app_result){ .n_rows = 0 };
	if (args->evidence &&
	    quote_parse(args->evidence->quote, args->evidence->n_quote, &q) == QUOTE_OK &&
	    q.tee == QUOTE_TEE_TDX)
		c.td = &q.td;
	for (i = 0; i < N_CHECKS; i++) {
		const struct check *x = &checks[i];

		if (x->run == check_quote && args->quote) {
			add_quote(ret, args->quote);
			continue;
		}
		c.row = next_row(ret, "", x->name, x->claim, x->wants);
		x->run(&c);
	}
	count(ret);
}
