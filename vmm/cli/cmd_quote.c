/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_quote: tell every field of a quote.  Nothing is verified, and it says so */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/judge.h"
#include "cli/quote_facts.h"
#include "data/json.h"
#include "wire/quote.h"

enum { KEY_WIDTH = 26, HEX_LINE = 96, INDENT = 2, DEEPEST = 8 };

/* Long hex goes on under its beginning; anything else is a peer's text. */
static void print_text(const char *s, int indent)
{
	size_t n = strlen(s), from = HEX_LINE;
	auto_free char *shown = xcalloc(1, 4 * n + 4);

	str_escape(shown, 4 * n + 4, s, n);
	n = strlen(shown);
	(void)printf("%.*s\n", HEX_LINE, shown);
	for (; from < n; from += HEX_LINE)
		(void)printf("%*s%.*s\n", indent + KEY_WIDTH + 1, "", HEX_LINE, shown + from);
}

static void print_list(const json_t *list)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		(void)printf("%s%s", i ? " " : "", json_string_value(json_array_get(list, i)));
	(void)putchar('\n');
}

static bool is_of_objects(const json_t *v)
{
	return json_is_array(v) && json_is_object(json_array_get(v, 0));
}

static void print_value(const char *key, const json_t *v, int indent)
{
	if (json_is_null(v))
		return;
	(void)printf("%*s%-*s ", indent, "", KEY_WIDTH, key);
	if (json_is_string(v))
		print_text(json_string_value(v), indent);
	else if (json_is_integer(v))
		(void)printf("%lld\n", (long long)json_integer_value(v));
	else if (json_is_array(v))
		print_list(v);
	else
		(void)puts(json_is_true(v) ? "yes" : "no");
}

struct level {
	json_t *object;
	void *at;
	json_t *list; /* of objects, being gone through; borrowed */
	size_t i;
};

/* Objects in objects, as deep as we make them, without recursion. */
static void print_all(json_t *all)
{
	struct level stack[DEEPEST] = { { .object = all, .at = json_object_iter(all) } };
	int depth = 0;

	while (depth >= 0) {
		struct level *l = &stack[depth];
		const char *key;
		json_t *v;

		if (l->list && l->i < json_array_size(l->list)) {
			v = json_array_get(l->list, l->i++);
			(void)printf("%*s%zu.\n", (depth + 1) * INDENT, "", l->i);
			stack[++depth] = (struct level){ .object = v, .at = json_object_iter(v) };
			continue;
		}
		l->list = NULL;
		if (!l->at) {
			depth--;
			continue;
		}
		key = json_object_iter_key(l->at);
		v = json_object_iter_value(l->at);
		l->at = json_object_iter_next(l->object, l->at);
		if (depth + 1 < DEEPEST && (json_is_object(v) || is_of_objects(v))) {
			(void)printf("%s%*s%s:\n", depth ? "" : "\n", depth * INDENT, "", key);
			if (json_is_object(v)) {
				stack[++depth] =
					(struct level){ .object = v, .at = json_object_iter(v) };
			} else {
				l->list = v;
				l->i = 0;
			}
		} else {
			print_value(key, v, depth * INDENT);
		}
	}
}

int cmd_quote_show(struct cli *c, struct err *e)
{
	auto_buf struct buf b = { 0 };
	enum quote_verdict v;
	struct quote q;
	json_t *all;
	int rc = input_read(c->args->operands[0], 2 * JUDGE_QUOTE_MOST + 2, &b, e);

	if (rc < 0)
		return rc;
	input_unhex(&b);
	v = quote_parse(b.p, b.n, &q);
	if (v != QUOTE_OK)
		return err_set(e, ERR_INPUT, "this is no quote: %s", quote_verdict_text(v));
	all = quote_facts_all(&q);
	if (c->wants_json) {
		cli_json(all);
	} else {
		print_all(all);
		cli_say(c, "\nNothing of this was verified; bailey verify quote does that.\n");
	}
	json_decref(all);
	return 0;
}
