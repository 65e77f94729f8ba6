/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verdict.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/collaterals.h"
#include "cli/quote_facts.h"
#include "cli/table.h"
#include "crypto/x509.h"
#include "data/json.h"

enum { TIME_SIZE = 32, NAME_SIZE = 128, SHOWN_SIZE = 600 };

static void put(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

/* "never said" and "never ends" are not times. */
static bool is_time(int64_t t)
{
	return t > 0 && t < INT64_MAX;
}

static json_t *json_time(int64_t t)
{
	char text[TIME_SIZE];

	return is_time(t) ? json_string(time_rfc3339(text, sizeof(text), (uint64_t)t))
			  : json_null();
}

static void put_quote(json_t *o, const struct quote_result *r)
{
	const struct quote *q = &r->quote;

	if (!r->has_quote) {
		put(o, "tee", json_null());
		put(o, "attributes", json_null());
		put(o, "report", json_null());
		return;
	}
	put(o, "tee", json_string(quote_facts_tee(q)));
	put(o, "quote_version", json_integer(q->version));
	put(o, "quote_size", json_integer((json_int_t)q->n_quote));
	put(o, "trailing_bytes", json_integer((json_int_t)q->n_trailing));
	put(o, "attributes", quote_facts_attributes(q));
	put(o, "report", quote_facts_report(q));
}

static const char *state(const struct quote_result *r, size_t i)
{
	return i < r->n_held ? "ok" : i == r->n_held ? "failed" : "not reached";
}

static json_t *checks(const struct quote_result *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; quote_checks[i].name; i++) {
		json_t *row = json_object();

		put(row, "check", json_string(quote_checks[i].name));
		put(row, "result", json_string(state(r, i)));
		put(row, "claim", json_string(quote_checks[i].claim));
		if (i == r->n_held) {
			put(row, "expected", json_text(r->expected));
			put(row, "got", json_text(r->got));
		}
		(void)json_array_append_new(list, row);
	}
	return list;
}

static json_t *root(const struct verdict *v)
{
	struct digest256 d = x509_cert_digest(v->root);
	char name[NAME_SIZE] = "";
	json_t *o = json_object();

	(void)x509_cert_name(v->root, name, sizeof(name));
	put(o, "name", json_text(name));
	put(o, "sha256", quote_facts_hex(d.b, sizeof(d.b)));
	put(o, "is_intel", json_boolean(!v->is_simulated));
	return o;
}

static json_t *collateral(const struct collaterals_source *s)
{
	json_t *o;

	if (!s)
		return json_null();
	o = json_object();
	put(o, "from", json_text(s->from));
	put(o, "fetched", json_integer(s->origin.n_fetched));
	put(o, "cached", json_integer(s->origin.n_cached));
	return o;
}

json_t *verdict_json(const struct verdict *v)
{
	const struct quote_result *r = v->result;
	json_t *o = json_object(), *ids = json_array();
	size_t i;

	for (i = 0; i < r->n_advisories; i++)
		(void)json_array_append_new(ids, json_text(r->advisories[i]));
	put(o, "status",
	    r->status == TCB_NONE ? json_null() : json_string(tcb_status_name(r->status)));
	put(o, "advisory_ids", ids);
	put(o, "check", r->check ? json_string(r->check) : json_null());
	put(o, "expected", r->check ? json_text(r->expected) : json_null());
	put(o, "got", r->check ? json_text(r->got) : json_null());
	put(o, "accepted", json_boolean(!r->check));
	put(o, "simulated", json_boolean(v->is_simulated));
	put(o, "policy", json_string(v->policy == QUOTE_POLICY_INTEL ? "intel" : "strict"));
	put(o, "at", json_integer(v->at));
	put(o, "root", root(v));
	put(o, "tcb_date", json_time(r->tcb_date));
	put(o, "tcb_evaluation_data_number",
	    r->tcb_evaluation ? json_integer(r->tcb_evaluation) : json_null());
	put(o, "collateral", collateral(v->source));
	put(o, "collateral_expires", json_time(r->collateral_ends));
	put_quote(o, r);
	quote_facts_put_platform(o, r->has_pck ? &r->pck : NULL);
	put(o, "checks", checks(r));
	return o;
}

static void print_checks(const struct cli *c, const struct quote_result *r)
{
	static const struct table_column columns[] = {
		{ "", false }, { "CHECK", false }, { "CLAIM", true }, { NULL, false }
	};
	struct table *t = table_new(columns);
	size_t i;

	for (i = 0; quote_checks[i].name; i++) {
		bool is_bad = i == r->n_held;
		enum colour colour = i < r->n_held ? COLOUR_GOOD : is_bad ? COLOUR_BAD : COLOUR_DIM;

		table_cell(t, colour, "%s", i < r->n_held ? "✓" : is_bad ? "✗" : "-");
		table_cell(t, COLOUR_NONE, "%s", quote_checks[i].name);
		table_cell(t, is_bad ? COLOUR_BAD : COLOUR_NONE, "%s", quote_checks[i].claim);
	}
	cli_table(c, t);
}

static void print_member(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_string(v))
		(void)printf("  %-20s %s\n", key, json_string_value(v));
	else if (json_is_integer(v))
		(void)printf("  %-20s %lld\n", key, (long long)json_integer_value(v));
}

static void print_attributes(const json_t *o)
{
	const json_t *names = json_object_get(o, "names");
	size_t i;

	(void)printf("  %-20s %s", "attributes", json_get_str(o, "value", "?"));
	for (i = 0; i < json_array_size(names); i++)
		(void)printf(" %s", json_string_value(json_array_get(names, i)));
	(void)printf("%s\n", json_get_bool(o, "debug", false) && !names ? " DEBUG" : "");
}

static void print_source(const struct collaterals_source *s)
{
	char shown[SHOWN_SIZE];

	if (!s)
		return;
	(void)printf("  %-20s %s", "collateral",
		     str_escape(shown, sizeof(shown), s->from, strlen(s->from)));
	if (!s->is_file && s->origin.n_cached)
		(void)printf(" (%u of %u parts from the cache)", s->origin.n_cached,
			     s->origin.n_cached + s->origin.n_fetched);
	(void)putchar('\n');
}

/* What is hex, numbers and our own words: fit for a terminal as it is. */
static void print_facts(const struct verdict *v)
{
	static const char *const keys[] = { "tee",	"quote_version",      "fmspc", "pce_id",
					    "tcb_date", "collateral_expires", NULL };
	json_t *all = verdict_json(v);
	const json_t *report = json_object_get(all, "report");
	const char *key;
	json_t *value;
	size_t i;

	(void)puts(v->result->check ? "\nwhat it says, which is not proved:" : "");
	for (i = 0; keys[i]; i++)
		print_member(all, keys[i]);
	if (json_is_object(report)) {
		print_attributes(json_object_get(all, "attributes"));
		json_object_foreach(json_unconst(report), key, value)
			print_member(report, key);
	}
	print_source(v->source);
	(void)putchar('\n');
	json_decref(all);
}

static void print_sentence(const struct verdict *v)
{
	const struct quote_result *r = v->result;
	char shown[4 * QUOTE_WHY_SIZE], at[TIME_SIZE];
	size_t i;

	if (v->is_simulated)
		(void)printf("simulated (under a root that is not Intel's; it proves nothing of "
			     "hardware): ");
	(void)time_rfc3339(at, sizeof(at), (uint64_t)v->at);
	if (r->check) {
		(void)printf("the quote is refused at %s: %s: expected %s", at, r->check,
			     str_escape(shown, sizeof(shown), r->expected, strlen(r->expected)));
		(void)printf(", got %s.\n",
			     str_escape(shown, sizeof(shown), r->got, strlen(r->got)));
		return;
	}
	(void)printf("the %s quote is good at %s: %s", quote_facts_tee(&r->quote), at,
		     tcb_status_name(r->status));
	for (i = 0; i < r->n_advisories; i++) {
		(void)printf("%s %s", i ? "," : ", with",
			     str_escape(shown, sizeof(shown), r->advisories[i],
					strlen(r->advisories[i])));
	}
	(void)puts(".");
}

void verdict_print(const struct cli *c, const struct verdict *v)
{
	if (!c->is_quiet) {
		print_checks(c, v->result);
		print_facts(v);
	}
	print_sentence(v);
}

void verdict_print_line(const struct verdict *v, const char *file)
{
	const struct quote_result *r = v->result;
	char shown[4 * QUOTE_WHY_SIZE], name[SHOWN_SIZE];
	size_t i;

	(void)printf("%s %s: %s", r->check ? "✗" : "✓",
		     str_escape(name, sizeof(name), file, strlen(file)),
		     v->is_simulated ? "simulated: " : "");
	if (r->check) {
		(void)printf("%s: expected %s", r->check,
			     str_escape(shown, sizeof(shown), r->expected, strlen(r->expected)));
		(void)printf(", got %s\n",
			     str_escape(shown, sizeof(shown), r->got, strlen(r->got)));
		return;
	}
	(void)printf("%s", tcb_status_name(r->status));
	for (i = 0; i < r->n_advisories; i++) {
		(void)printf("%s %s", i ? "," : ", with",
			     str_escape(shown, sizeof(shown), r->advisories[i],
					strlen(r->advisories[i])));
	}
	(void)putchar('\n');
}
