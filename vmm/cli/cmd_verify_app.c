/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify_app: is a running app what it says?  No daemon is asked, only the app and Intel's service */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "app/app_yaml.h"
#include "cli/app_image.h"
#include "cli/app_source.h"
#include "cli/app_verdict.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/gateway_source.h"
#include "cli/hex_option.h"
#include "cli/input.h"
#include "cli/judge.h"
#include "cli/verdict.h"
#include "store/image.h"
#include "tee/account.h"

/* All that an app is judged by; large, and one at a time. */
struct work {
	struct judge *judge;
	struct app_source source;
	struct account *account;
	struct err log_fault, quote_fault;
	struct quote_result quote;
	struct buf compose;
	struct app_image image;
	bool has_image;
	uint8_t app_id[APP_ID_SIZE], report_data[REPORT_DATA_SIZE];
	struct digest256 compose_hash;
	struct app_verify_args args;
	struct app_result result;
};

static void work_free(struct work *w)
{
	judge_free(w->judge);
	app_source_deinit(&w->source);
	account_free(w->account);
	buf_deinit(&w->compose);
	if (w->has_image)
		app_image_deinit(&w->image);
	free(w);
}

static int read_lacks(const struct cli *c, struct err *e)
{
	const char *text = c->args->options[OPT_ALLOW_UNCHECKED];
	char name[APP_NAME_SIZE];
	size_t n;

	for (; text; text = text[n] ? text + n + 1 : NULL) {
		n = strcspn(text, ",");
		if (str_format(name, sizeof(name), "%.*s",
			       (int)(n < sizeof(name) ? n : sizeof(name)), text) < 0 ||
		    !app_verify_may_lack(name)) {
			return err_set(e, ERR_INPUT,
				       "--allow-unchecked: \"%.*s\" is nothing that may be left "
				       "out; write "
				       "names of checks, or of what they want: report-data, nonce, "
				       "event-log, image, compose, app-id",
				       (int)(n < APP_NAME_SIZE ? n : APP_NAME_SIZE), text);
		}
	}
	return 0;
}

/* What the operator expects of the app. */
static int read_wants(const struct cli *c, struct work *w, struct err *e)
{
	size_t n_id = 0, n_hash = 0, n_data = 0;
	int rc = hex_option(c, OPT_APP_ID, w->app_id, APP_ID_SIZE, APP_ID_SIZE, &n_id, e);

	if (rc == 0)
		rc = hex_option(c, OPT_COMPOSE_HASH, w->compose_hash.b, sizeof(w->compose_hash.b),
				sizeof(w->compose_hash.b), &n_hash, e);
	if (rc == 0)
		rc = hex_option(c, OPT_REPORT_DATA, w->report_data, 1, REPORT_DATA_SIZE, &n_data,
				e);
	if (rc == 0)
		rc = read_lacks(c, e);
	w->args.app_id = n_id ? w->app_id : NULL;
	w->args.compose_hash = n_hash ? &w->compose_hash : NULL;
	w->args.report_data = n_data ? w->report_data : NULL; /* zeros after it, as guests do */
	return rc;
}

/* The very bytes of an app-compose.json, or the YAML that it is made of. */
static int read_compose(const struct cli *c, struct work *w, struct err *e)
{
	const char *path = c->args->options[OPT_COMPOSE];
	auto_app struct app app = APP_NULL;
	int rc;

	if (!path)
		return 0;
	if (str_ends(path, ".yaml") || str_ends(path, ".yml")) {
		rc = app_load(path, &app, e);
		w->compose = BUF_MAX(APP_EVIDENCE_COMPOSE_MAX);
		if (rc == 0)
			rc = buf_add_str(&w->compose, app.compose);
	} else {
		rc = input_read(path, APP_EVIDENCE_COMPOSE_MAX, &w->compose, e);
	}
	w->args.compose = w->compose.p;
	w->args.n_compose = w->compose.n;
	return rc;
}

static int read_image(const struct cli *c, struct work *w, struct err *e)
{
	const struct app_evidence *ev = w->source.evidence;
	struct app_verify_args *a = &w->args;
	int rc = app_image_read(c, ev ? ev->vm_config : NULL, &w->image, e);

	if (rc <= 0)
		return rc;
	w->has_image = a->has_image = true;
	a->image_fault = w->image.fault.code ? w->image.fault.text : NULL;
	a->image_hash = w->image.hash;
	a->measurement = w->image.has_measurement ? &w->image.measurement : NULL;
	a->measurement_fault = w->image.why.text;
	a->is_config_fault = w->image.is_config_fault;
	return 0;
}

static void read_log(struct work *w)
{
	const struct app_evidence *ev = w->source.evidence;

	w->log_fault = ERR_NONE;
	if (ev && ev->log && account_read(ev->log, strlen(ev->log), &w->account, &w->log_fault) < 0)
		w->account = NULL;
	w->args.account = w->account;
	w->args.account_fault = w->log_fault.text;
}

/* A quote that cannot be judged, for want of collateral, is unchecked. */
static void judge(struct work *w)
{
	const struct app_evidence *ev = w->source.evidence;

	w->quote_fault = ERR_NONE;
	if (ev && judge_quote(w->judge, ev->quote, ev->n_quote, &w->quote, &w->quote_fault) == 0)
		w->args.quote = &w->quote;
	w->args.quote_fault = w->quote_fault.text;
}

static void take_source(struct work *w)
{
	const struct app_source *s = &w->source;
	struct app_verify_args *a = &w->args;

	a->evidence = s->evidence;
	a->evidence_fault = s->fault.text;
	a->nonce = s->n_nonce ? s->nonce : NULL;
	a->n_nonce = s->n_nonce;
	a->channel = s->channel;
	a->tls_key = s->certificate.key.p;
	a->n_tls_key = s->certificate.key.n;
}

/* The folder's, or what its digest begins with. */
static const char *image_name(const struct work *w)
{
	if (!w->has_image)
		return NULL;
	return w->image.im ? w->image.im->name : w->image.hash;
}

static int tell(struct cli *c, const struct work *w)
{
	const struct judge *j = w->judge;
	struct verdict q = { .result = &w->quote,
			     .root = j->root,
			     .policy = j->policy,
			     .at = j->at,
			     .is_simulated = j->is_simulated };
	struct app_verdict v = { .operand = c->args->operands[0],
				 .args = &w->args,
				 .result = &w->result,
				 .quote = w->args.quote ? &q : NULL,
				 .is_simulated = j->is_simulated,
				 .image = image_name(w),
				 .lacks = c->args->options[OPT_ALLOW_UNCHECKED] };
	json_t *o;

	if (c->wants_json) {
		o = app_verdict_json(&v);
		cli_json(o);
		json_decref(o);
	} else {
		app_verdict_print(c, &v);
	}
	return app_verdict_is_good(&v) ? 0 : ERR_UNPROVEN;
}

typedef int (*source_fn)(const struct cli *c, const char *operand, struct app_source *ret,
			 struct err *e);

static int verify(struct cli *c, source_fn read, struct err *e)
{
	struct work *w = xnew(struct work);
	int rc = read_wants(c, w, e);

	if (rc == 0)
		rc = judge_new(c, &w->judge, e);
	if (rc == 0)
		rc = read_compose(c, w, e);
	if (rc == 0)
		rc = read(c, c->args->operands[0], &w->source, e);
	if (rc == 0)
		rc = read_image(c, w, e);
	if (rc == 0) {
		take_source(w);
		read_log(w);
		judge(w);
		app_verify(&w->args, &w->result);
		rc = tell(c, w);
		*e = ERR_NONE; /* of what was tried on the way; the verdict tells all */
	}
	work_free(w);
	return rc;
}

int cmd_verify_gateway(struct cli *c, struct err *e)
{
	return verify(c, gateway_source_read, e);
}

int cmd_verify_app(struct cli *c, struct err *e)
{
	/* where apps are below a gateway's domain, that name is the gateway's own */
	if (gateway_source_is_one(c->args->operands[0]))
		return cmd_verify_gateway(c, e);
	return verify(c, app_source_read, e);
}
