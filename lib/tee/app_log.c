/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "tee/app_ctx.h"

/* The first finding that counts; NULL: none. */
static const struct account_finding *finding(const struct app_ctx *c)
{
	const struct account *x = c->a->account;
	size_t i;

	for (i = 0; i < x->n_findings; i++) {
		if (!c->a->is_booting || !x->findings[i].is_later)
			return &x->findings[i];
	}
	return NULL;
}

void app_check_event_log(struct app_ctx *c)
{
	const struct account *x = c->a->account;
	const struct account_finding *f = x ? finding(c) : NULL;
	const char *fault = c->a->account_fault;

	if (!x && fault && *fault)
		app_say(c, APP_FAILS, "%s", fault);
	else if (!x)
		app_say(c, APP_UNCHECKED, "the evidence has none");
	else if (x->form == ACCOUNT_CCEL)
		app_say(c, APP_FAILS, "it is of firmware alone");
	else if (f)
		app_say(c, APP_FAILS, "%s: %s", f->check, f->text);
}

static bool needs_log(struct app_ctx *c)
{
	if (!c->a->account)
		app_say(c, APP_UNCHECKED, "there is no event log");
	return c->a->account && app_needs_td(c);
}

void app_check_log_registers(struct app_ctx *c)
{
	const struct account *x = c->a->account;
	char what[16];
	size_t i;

	if (!needs_log(c))
		return;
	if (x->n_firmware == 0 || x->is_stripped) {
		app_say(c, APP_NO_MATTER, "the log does not tell of the firmware's");
		return;
	}
	for (i = 0; i < TEE_RTMR_RUNTIME && c->row->outcome == APP_HOLDS; i++) {
		(void)str_format(what, sizeof what, "RTMR%zu", i);
		app_compare(c, what, c->td->rtmr[i], x->rtmr[i].b, sizeof x->rtmr[i].b);
	}
}

void app_check_rtmr3(struct app_ctx *c)
{
	if (needs_log(c))
		app_compare(c, "RTMR3", c->td->rtmr[TEE_RTMR_RUNTIME],
			    c->a->account->rtmr[TEE_RTMR_RUNTIME].b, sizeof(struct digest384));
}

/* What hand or evidence has of the compose; by hand comes first. */
static bool compose_hash(const struct app_verify_args *a, struct digest256 *ret)
{
	if (a->compose)
		*ret = digest256_bytes(a->compose, a->n_compose);
	else if (a->evidence && a->evidence->compose)
		*ret = digest256_bytes(a->evidence->compose, strlen(a->evidence->compose));
	else if (a->compose_hash)
		*ret = *a->compose_hash;
	else
		return false;
	return true;
}

void app_check_compose_hash(struct app_ctx *c)
{
	const uint8_t *measured = app_needs_event(c, "compose-hash", sizeof(struct digest256));
	struct digest256 d;

	if (c->a->compose_fault)
		app_say(c, APP_FAILS, "%s", c->a->compose_fault);
	if (!measured || c->a->compose_fault)
		return;
	if (!compose_hash(c->a, &d)) {
		app_say(c, APP_UNCHECKED,
			"the compose is not known; say --compose or --compose-hash");
		return;
	}
	app_compare(c, "the compose's hash", d.b, measured, sizeof d.b);
	if (c->row->outcome == APP_HOLDS && c->a->compose_hash)
		app_compare(c, "the hash expected", c->a->compose_hash->b, measured, sizeof d.b);
}

/* Without an id given, the one of a compose hash needs nobody's word. */
void app_check_app_id(struct app_ctx *c)
{
	const uint8_t *id = app_needs_event(c, "app-id", APP_ID_SIZE), *compose;

	if (!id)
		return;
	if (c->a->app_id) {
		app_compare(c, "the id", c->a->app_id, id, APP_ID_SIZE);
		return;
	}
	compose = app_needs_event(c, "compose-hash", sizeof(struct digest256));
	if (compose && memcmp(compose, id, APP_ID_SIZE) != 0)
		app_say(c, APP_UNCHECKED,
			"the id was chosen by who deployed the app; say --app-id");
}
