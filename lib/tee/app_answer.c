/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Report data are what a quote was asked for.  Who can make a machine quote report data of his choice can have it
 * vouch for a key of his own; so each way of asking has its own, and what is told beside a quote counts for nothing
 * unless the quote holds it.
 */
#include <string.h>

#include "tee/app_ctx.h"
#include "tee/report_data.h"

static bool of_certificate(const struct app_verify_args *a, struct report_data *ret)
{
	const char *tag =
		a->channel == APP_CHANNEL_DOMAIN ? REPORT_DATA_TAG_DOMAIN : REPORT_DATA_TAG_RATLS;

	return report_data_hashed("sha512", tag, a->tls_key, a->n_tls_key, ret, NULL) == 0;
}

/* The quote is of the certificate's key: who has the key is who answers now. */
static bool is_of_certificate(const struct app_verify_args *a)
{
	return a->channel == APP_CHANNEL_RATLS || a->channel == APP_CHANNEL_DOMAIN;
}

static bool of_evidence(const struct app_evidence *ev, struct report_data *ret)
{
	const struct report_data_evidence a = { ev->nonce, ev->n_nonce, ev->tls_key,
						ev->n_tls_key };

	return report_data_of_evidence(&a, ret, NULL) == 0;
}

/* What is told beside the quote is compared with what is known only if the quote holds it, whatever else was expected. */
static void compare_bound(struct app_ctx *c, const char *what, const uint8_t *wanted,
			  const uint8_t *got, size_t n)
{
	struct report_data made;

	app_compare(c, what, wanted, got, n);
	if (c->row->outcome == APP_HOLDS &&
	    (!of_evidence(c->a->evidence, &made) ||
	     memcmp(made.b, c->td->report_data, sizeof made.b) != 0))
		app_say(c, APP_FAILS, "%s is told beside the quote, which does not hold it", what);
}

void app_check_report_data(struct app_ctx *c)
{
	const struct app_evidence *ev = c->a->evidence;
	struct report_data made;

	if (!app_needs_td(c))
		return;
	if (ev->has_report_data &&
	    memcmp(ev->report_data, c->td->report_data, sizeof made.b) != 0) {
		app_compare(c, "told beside the quote", c->td->report_data, ev->report_data,
			    sizeof made.b);
	} else if (c->a->report_data) {
		app_compare(c, "in the quote", c->a->report_data, c->td->report_data,
			    sizeof made.b);
	} else if (is_of_certificate(c->a)) {
		app_say(c, APP_NO_MATTER, "they are of the certificate's key: tls-key");
	} else if (!ev->is_answer) {
		app_say(c, APP_UNCHECKED, "which are expected is not known; say --report-data");
	} else if (!of_evidence(ev, &made)) {
		app_say(c, APP_FAILS, "the answer's nonce is of no length that is allowed");
	} else {
		app_compare(c, "in the quote", made.b, c->td->report_data, sizeof made.b);
	}
}

void app_check_nonce(struct app_ctx *c)
{
	const struct app_verify_args *a = c->a;
	const struct app_evidence *ev = a->evidence;

	if (!app_needs_td(c))
		return;
	if (is_of_certificate(a))
		app_say(c, APP_NO_MATTER, "the handshake itself is of now");
	else if (!a->nonce && a->report_data)
		app_say(c, APP_NO_MATTER, "the report data expected stand for it");
	else if (!a->nonce)
		app_say(c, APP_UNCHECKED, "the quote may be an old one; say --nonce");
	else if (!ev->is_answer)
		app_say(c, APP_FAILS, "the evidence is not the answer to a nonce");
	else if (a->n_nonce != ev->n_nonce) {
		app_say(c, APP_FAILS, "it was made for a nonce of %zu bytes, not of %zu",
			ev->n_nonce, a->n_nonce);
	} else {
		compare_bound(c, "the nonce", a->nonce, ev->nonce, a->n_nonce);
	}
}

void app_check_tls_key(struct app_ctx *c)
{
	const struct app_verify_args *a = c->a;
	struct report_data made;

	if (a->channel == APP_CHANNEL_NONE) {
		app_say(c, APP_NO_MATTER, "no TLS: nothing vouches for who else reads and writes");
		return;
	}
	if (!app_needs_td(c))
		return;
	if (a->channel == APP_CHANNEL_EVIDENCE) {
		if (a->evidence->n_tls_key != a->n_tls_key) {
			app_say(c, APP_FAILS,
				"the quote is for another connection's key, or for none");
		} else {
			compare_bound(c, "the key", a->tls_key, a->evidence->tls_key, a->n_tls_key);
		}
	} else if (!of_certificate(a, &made)) {
		app_say(c, APP_FAILS, "no report data can be made of the certificate's key");
	} else {
		app_compare(c, "in the quote", made.b, c->td->report_data, sizeof made.b);
	}
}
