/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is commented out has "# " before its indentation, so that an operator who removes those two
 * characters from a block has YAML that loads.  The recursion is over tables, which are ours and end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "data/conf.h"

struct page {
	struct buf *out;
	int rc; /* the first failure */
	bool is_muted;
};

static void add(struct page *p, const char *s, size_t n)
{
	if (p->rc == 0)
		p->rc = buf_add(p->out, s, n);
}

static void add_str(struct page *p, const char *s)
{
	add(p, s, strlen(s));
}

static void margin(struct page *p, unsigned int depth)
{
	if (p->is_muted)
		add_str(p, "# ");
	while (depth-- > 0)
		add_str(p, "  ");
}

static void describe_doc(struct page *p, const struct conf_key *k, unsigned int depth)
{
	size_t i;

	margin(p, depth);
	add_str(p, "# ");
	add_str(p, k->doc ? k->doc : k->name);
	for (i = 0; k->type == CONF_ENUM && k->values[i]; i++) {
		add_str(p, i ? ", " : "  One of: ");
		add_str(p, k->values[i]);
	}
	add_str(p, k->required ? "  Required.\n" : "\n");
}

/* " value", or what follows the key on lines of its own: a list, or text after a "|". */
static void describe_value(struct page *p, const char *text, unsigned int depth)
{
	size_t n = strcspn(text, "\n");

	if (text[n] == 0 || text[0] == '|' || text[0] == '>') {
		add_str(p, n ? " " : "");
		add(p, text, n);
		text += n + (text[n] != 0);
	}
	add_str(p, "\n");
	while (*text) {
		n = strcspn(text, "\n");
		margin(p, depth + 1);
		add(p, text, n);
		add_str(p, "\n");
		text += n + (text[n] != 0);
	}
}

/* NOLINTBEGIN(misc-no-recursion): over tables, see the top */

static void describe_table(struct page *p, const struct conf_key *table, unsigned int depth);

static void describe_nested(struct page *p, const struct conf_key *k, unsigned int depth)
{
	margin(p, depth);
	add_str(p, k->name);
	add_str(p, ":\n");
	if (k->type == CONF_MAPS) {
		margin(p, ++depth);
		add_str(p, "-\n");
	}
	describe_table(p, k->keys, depth + 1);
}

/* Would the key, written as it is described, load? */
static bool is_whole(const struct conf_key *k)
{
	const struct conf_key *child;

	if (k->required)
		return true;
	if (k->type != CONF_MAP)
		return k->otherwise != NULL;
	for (child = k->keys; child->name && !child->required; child++)
		continue;
	return !child->name;
}

static void describe_table(struct page *p, const struct conf_key *table, unsigned int depth)
{
	const struct conf_key *k;
	bool was_muted = p->is_muted;
	const char *value;

	for (k = table; k->name; k++) {
		describe_doc(p, k, depth);
		p->is_muted = was_muted || !is_whole(k);
		if (k->type == CONF_MAP || (k->type == CONF_MAPS && !k->example)) {
			describe_nested(p, k, depth);
		} else {
			value = k->otherwise ? k->otherwise : k->example;
			margin(p, depth);
			add_str(p, k->name);
			add_str(p, ":");
			describe_value(p, value ? value : "", depth);
		}
		p->is_muted = was_muted;
	}
}

/* NOLINTEND(misc-no-recursion) */

int conf_describe(const struct conf_key *table, struct buf *ret)
{
	struct page p = { .out = ret };

	describe_table(&p, table, 0);
	return p.rc;
}

enum { PATH_SIZE = 256 };

typedef void (*each_fn)(const char *path, const struct conf_key *k, void *arg);

/* NOLINTNEXTLINE(misc-no-recursion): over tables, see the top */
static void each(const struct conf_key *table, const char *above, each_fn fn, void *arg)
{
	const struct conf_key *k;
	char path[PATH_SIZE];

	for (k = table; k->name; k++) {
		(void)snprintf(path, sizeof(path), "%s%s%s", above, above[0] ? "." : "", k->name);
		fn(path, k, arg);
		if (k->type == CONF_MAP || k->type == CONF_MAPS)
			each(k->keys, path, fn, arg);
	}
}

void conf_each(const struct conf_key *table,
	       void (*fn)(const char *path, const struct conf_key *k, void *arg), void *arg)
{
	each(table, "", fn, arg);
}
