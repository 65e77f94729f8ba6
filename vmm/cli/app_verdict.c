/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_verdict.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/verdict.h"
#include "data/json.h"
#include "tee/account.h"
#include "tee/app_evidence.h"

enum { SENTENCE_MAX = 2048, NAME_SHOWN = 64, HEX_SHOWN = 16 };

bool app_verdict_lacks(const char *lacks, const char *name)
{
	size_t n, n_name = strlen(name);

	for (; lacks; lacks = lacks[n] ? lacks + n + 1 : NULL) {
		n = strcspn(lacks, ",");
		if (n == n_name && memcmp(lacks, name, n) == 0)
			return true;
	}
	return false;
}

static bool is_excused(const struct app_verdict *v, const struct app_row *row)
{
	return row->outcome == APP_UNCHECKED && row->wants &&
	       (app_verdict_lacks(v->lacks, row->name) || app_verdict_lacks(v->lacks, row->wants));
}

/* The row for which it is refused: the first that fails, else the first that nobody excused. */
static const struct app_row *culprit(const struct app_verdict *v)
{
	const struct app_row *first = NULL;
	size_t i;

	for (i = 0; i < v->result->n_rows; i++) {
		const struct app_row *row = &v->result->rows[i];

		if (row->outcome == APP_FAILS)
			return row;
		if (row->outcome == APP_UNCHECKED && !is_excused(v, row) && !first)
			first = row;
	}
	return first;
}

bool app_verdict_is_good(const struct app_verdict *v)
{
	return culprit(v) == NULL;
}

/* The compose that is known, for its name; NULL. */
static json_t *compose(const struct app_verdict *v)
{
	const struct app_verify_args *a = v->args;
	const char *text = a->compose ? a->compose : a->evidence ? a->evidence->compose : NULL;
	size_t n = a->compose ? a->n_compose : text ? strlen(text) : 0;
	json_t *j = NULL;

	if (!text || json_parse(text, n, APP_EVIDENCE_COMPOSE_MAX, "compose", &j, NULL) < 0)
		return NULL;
	return j;
}

static json_t *event_hex(const struct app_verdict *v, const char *name)
{
	const struct event *ev = v->args->account ? account_event(v->args->account, name) : NULL;
	auto_free char *hex = NULL;

	if (!ev)
		return json_null();
	hex = xcalloc(2, ev->n_payload + 1);
	str_hex(hex, ev->payload, ev->n_payload);
	return json_string(hex);
}

static json_t *provider(const struct app_verdict *v)
{
	const struct event *ev =
		v->args->account ? account_event(v->args->account, "key-provider") : NULL;
	json_t *j = NULL;

	if (!ev ||
	    json_parse(ev->payload, ev->n_payload, ev->n_payload, "key-provider", &j, NULL) < 0)
		return json_null();
	return j;
}

static json_t *rows(const struct app_verdict *v)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < v->result->n_rows; i++) {
		const struct app_row *row = &v->result->rows[i];
		json_t *o = json_object();

		(void)json_object_set_new(o, "check", json_string(row->name));
		(void)json_object_set_new(o, "result", json_string(app_outcome_name(row->outcome)));
		(void)json_object_set_new(o, "claim", json_string(row->claim));
		(void)json_object_set_new(o, "why", *row->why ? json_text(row->why) : json_null());
		if (row->outcome == APP_UNCHECKED)
			(void)json_object_set_new(o, "allowed", json_boolean(is_excused(v, row)));
		(void)json_array_append_new(list, o);
	}
	return list;
}

/* The names of rows of @outcome; of unchecked ones only those that nobody excused. */
static json_t *names(const struct app_verdict *v, enum app_outcome outcome)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < v->result->n_rows; i++) {
		const struct app_row *row = &v->result->rows[i];

		if (row->outcome == outcome && !is_excused(v, row))
			(void)json_array_append_new(list, json_string(row->name));
	}
	return list;
}

static void add_good(const struct app_verdict *v, struct buf *b)
{
	char shown[NAME_SHOWN], hash[2 * HEX_SHOWN + 1] = "";
	json_t *j = compose(v);
	const char *name = json_get_str(j, "name", "without a name");
	const struct event *ev =
		v->args->account ? account_event(v->args->account, "compose-hash") : NULL;
	const struct verdict *q = v->quote;
	size_t i, n = 0;

	if (ev && ev->n_payload >= HEX_SHOWN)
		str_hex(hash, ev->payload, HEX_SHOWN);
	(void)buf_addf(b, "the app \"%s\" (compose %s...) runs ",
		       str_escape(shown, sizeof(shown), name, strlen(name)),
		       *hash ? hash : "unknown");
	if (v->image)
		(void)buf_addf(b, "on image %s ",
			       str_escape(shown, sizeof(shown), v->image, strlen(v->image)));
	(void)buf_addf(b, "in a TDX machine that is %s: %zu checks hold",
		       q ? tcb_status_name(q->result->status) : "unknown", v->result->n_held);
	for (i = 0; i < v->result->n_rows; i++) {
		if (is_excused(v, &v->result->rows[i]))
			(void)buf_addf(b, "%s %s", n++ ? "," : "; not checked, as you allow:",
				       v->result->rows[i].name);
	}
	(void)buf_add_str(b, ".");
	json_decref(j);
}

static void add_bad(const struct app_verdict *v, const struct app_row *row, struct buf *b)
{
	bool fails = row->outcome == APP_FAILS;
	json_t *others = names(v, row->outcome);
	char shown[4 * APP_WHY_SIZE];
	size_t i, n = 0;

	(void)buf_addf(b, "%s: %s: %s", fails ? "the app is refused" : "the app is not proved",
		       row->name, str_escape(shown, sizeof(shown), row->why, strlen(row->why)));
	for (i = 0; i < json_array_size(others); i++) {
		const char *name = json_string_value(json_array_get(others, i));

		if (!str_equal(name, row->name) && !str_starts(name, "quote.")) {
			(void)buf_addf(b, "%s %s",
				       n++     ? ","
				       : fails ? "; so do fail:"
					       : "; nor are:",
				       name);
		}
	}
	(void)buf_add_str(b, ".");
	json_decref(others);
}

/* The caller frees. */
static char *sentence(const struct app_verdict *v)
{
	struct buf b = BUF_MAX(SENTENCE_MAX);
	const struct app_row *row = culprit(v);

	if (v->is_simulated) {
		(void)buf_add_str(
			&b, "simulated (under a root that is not Intel's; it proves nothing of "
			    "hardware): ");
	}
	if (row)
		add_bad(v, row, &b);
	else
		add_good(v, &b);
	return buf_take_str(&b);
}

/* What the quote's own verdict says of the platform and the machine. */
static void put_quote(json_t *o, const struct app_verdict *v)
{
	static const char *const keys[] = { "status", "advisory_ids", "policy",
					    "at",     "root",	      "report" };
	json_t *q = v->quote ? verdict_json(v->quote) : NULL;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_t *value = json_object_get(q, keys[i]);

		(void)json_object_set_new(o, keys[i], value ? json_incref(value) : json_null());
	}
	json_decref(q);
}

json_t *app_verdict_json(const struct app_verdict *v)
{
	const struct app_row *row = culprit(v);
	auto_free char *text = sentence(v);
	json_t *o = json_object(), *c = compose(v);
	const char *name = json_get_str(c, "name", NULL);

	(void)json_object_set_new(o, "source", json_text(v->operand));
	(void)json_object_set_new(o, "check", row ? json_string(row->name) : json_null());
	(void)json_object_set_new(o, "accepted", json_boolean(!row));
	(void)json_object_set_new(o, "simulated", json_boolean(v->is_simulated));
	(void)json_object_set_new(o, "sentence", json_text(text));
	(void)json_object_set_new(o, "failed", names(v, APP_FAILS));
	(void)json_object_set_new(o, "unchecked", names(v, APP_UNCHECKED));
	(void)json_object_set_new(o, "app_name", name ? json_text(name) : json_null());
	(void)json_object_set_new(o, "app_id", event_hex(v, "app-id"));
	(void)json_object_set_new(o, "compose_hash", event_hex(v, "compose-hash"));
	(void)json_object_set_new(o, "instance_id", event_hex(v, "instance-id"));
	(void)json_object_set_new(o, "key_provider", provider(v));
	(void)json_object_set_new(o, "image", v->image ? json_text(v->image) : json_null());
	put_quote(o, v);
	(void)json_object_set_new(o, "checks", rows(v));
	json_decref(c);
	return o;
}

static void print_row(struct table *t, const struct app_verdict *v, const struct app_row *row)
{
	static const struct {
		const char *mark;
		enum colour colour;
	} marks[APP_OUTCOME_COUNT] = {
		[APP_HOLDS] = { "✓", COLOUR_GOOD },
		[APP_FAILS] = { "✗", COLOUR_BAD },
		[APP_UNCHECKED] = { "?", COLOUR_BUSY },
		[APP_NO_MATTER] = { "-", COLOUR_DIM },
	};
	bool is_dim = row->outcome == APP_NO_MATTER || is_excused(v, row);
	enum colour colour = is_dim ? COLOUR_DIM : marks[row->outcome].colour;

	table_cell(t, colour, "%s", marks[row->outcome].mark);
	table_cell(t, COLOUR_NONE, "%s", row->name);
	if (row->outcome == APP_HOLDS)
		table_cell(t, COLOUR_NONE, "%s", row->claim);
	else
		table_cell(t, colour, "%s%s", row->outcome == APP_UNCHECKED ? "not checked: " : "",
			   row->why);
}

/* Of the many checks of a quote only the one that failed, or that they all hold. */
static void print_rows(const struct cli *c, const struct app_verdict *v)
{
	static const struct table_column columns[] = {
		{ "", false }, { "CHECK", false }, { "CLAIM", true }, { NULL, false }
	};
	struct table *t = table_new(columns);
	size_t i, n_quote = 0;

	for (i = 0; i < v->result->n_rows; i++) {
		const struct app_row *row = &v->result->rows[i];
		bool is_quote = str_starts(row->name, "quote.");

		n_quote += is_quote;
		if (is_quote && row->outcome != APP_FAILS)
			continue;
		if (str_equal(row->name, "tdx") && n_quote && !v->quote->result->check) {
			table_cell(t, COLOUR_GOOD, "✓");
			table_cell(t, COLOUR_NONE, "quote");
			table_cell(
				t, COLOUR_NONE,
				"all %zu checks of the quote hold; bailey verify quote tells them",
				n_quote);
		}
		print_row(t, v, row);
	}
	cli_table(c, t);
}

static void print_facts(const struct app_verdict *v)
{
	static const char *const keys[] = { "app_id", "compose_hash", "instance_id" };
	json_t *o = app_verdict_json(v);
	const char *text;
	size_t i;

	(void)putchar('\n');
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		text = json_get_str(o, keys[i], NULL);
		if (text)
			(void)printf("  %-14s %s\n", keys[i], text);
	}
	(void)putchar('\n');
	json_decref(o);
}

void app_verdict_print(const struct cli *c, const struct app_verdict *v)
{
	auto_free char *text = sentence(v);

	if (!c->is_quiet) {
		print_rows(c, v);
		print_facts(v);
	}
	(void)puts(text);
}
