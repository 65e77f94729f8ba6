/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/yaml.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

static struct yaml_node *good(const char *text)
{
	struct yaml_node *root = NULL;
	struct err e = ERR_NONE;
	int rc = yaml_tree_parse(text, strlen(text), "x.yaml", &root, &e);

	if (rc < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(rc == 0);
	return root;
}

static void bad_bytes(const char *text, size_t n, int code, const char *message)
{
	struct yaml_node *root = NULL;
	struct err e = ERR_NONE;
	int rc = yaml_tree_parse(text, n, "x.yaml", &root, &e);

	if (rc != code || strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", rc, e.text, code, message);
	assert(rc == code && strcmp(e.text, message) == 0 && !root);
}

static void bad(const char *text, const char *message)
{
	bad_bytes(text, strlen(text), ERR_INPUT, message);
}

static void test_a_tree_with_lines(void)
{
	struct yaml_node *root = good("a: 1\nb:\n  - x\n  - c: [y, \"\"]\n# end\n");
	const struct yaml_node *b = yaml_tree_get(root, "b"), *c;

	assert(root->kind == YAML_MAP && root->n == 2 && root->line == 1 && !root->key);
	assert(strcmp(yaml_tree_get(root, "a")->text, "1") == 0);
	assert(b->kind == YAML_LIST && b->n == 2 && b->line == 2 && strcmp(b->key, "b") == 0);
	assert(b->first->kind == YAML_TEXT && b->first->line == 3 && !b->first->key);
	c = yaml_tree_get(b->last, "c");
	assert(c->line == 4 && c->n == 2 && !c->last->is_null && c->last->text[0] == 0);
	assert(!yaml_tree_get(root, "c") && !yaml_tree_get(NULL, "c") && !yaml_tree_get(b, "c"));
	yaml_tree_free(root);
}

static void test_nothing_is_null_only_without_quotes(void)
{
	struct yaml_node *root = good("a:\nb: ~\nc: null\nd: \"\"\ne: 'null'\nf: nullx\n");
	const struct yaml_node *n;
	size_t i = 0;

	for (n = root->first; n; n = n->next)
		assert(n->is_null == (i++ < 3));
	yaml_tree_free(root);
}

static void test_empty_documents(void)
{
	assert(!good("") && !good("# only a comment\n") && !good("\n\n"));
	yaml_tree_free(good("---\n"));
	yaml_tree_free(NULL);
}

static void test_text_is_what_was_written(void)
{
	struct yaml_node *root =
		good("a: |\n  one\n  two\nb: >-\n  one\n  two\nc: \"\\u00e9\\n\"\nd: yes\n");

	assert(strcmp(yaml_tree_get(root, "a")->text, "one\ntwo\n") == 0);
	assert(strcmp(yaml_tree_get(root, "b")->text, "one two") == 0);
	assert(strcmp(yaml_tree_get(root, "c")->text, "\xc3\xa9\n") == 0);
	assert(strcmp(yaml_tree_get(root, "d")->text, "yes") == 0);
	yaml_tree_free(root);
}

static void test_keys_given_twice(void)
{
	bad("a: 1\nb: 2\n\na: 3\n", "x.yaml:4: a: given twice; first on line 1");
	bad("a:\n  b: {c: 1, \"c\": 2}\n", "x.yaml:2: a.b.c: given twice; first on line 2");
	bad("a:\n- x: 1\n- x: 1\n  y: 2\n  x: 3\n",
	    "x.yaml:5: a[1].x: given twice; first on line 3");
}

static void test_what_changes_meaning_is_refused(void)
{
	bad("a: &x 1\n", "x.yaml:1: a: anchors are not supported; remove it");
	bad("a: 1\nb: *x\n", "x.yaml:2: b: aliases are not supported; write the value again");
	bad("a: !!int 1\n", "x.yaml:1: a: tags are not supported; remove it");
	bad("a: !x {}\n", "x.yaml:1: a: tags are not supported; remove it");
	bad("!x [1]\n", "x.yaml:1: tags are not supported; remove it");
	bad("a: &x [1]\n", "x.yaml:1: a: anchors are not supported; remove it");
	bad("&x a: 1\n", "x.yaml:1: anchors are not supported; remove it");
	bad("%TAG ! tag:x,2000:\n---\na: 1\n", "x.yaml:1: tags are not supported; remove it");
	bad("a: 1\n...\n%TAG ! tag:x,2000:\n---\nb: 1\n",
	    "x.yaml:3: tags are not supported; remove it");
	bad("a: 1\n---\nb: 2\n", "x.yaml:2: a second document; a file holds one");
	bad("? [a, b]\n: 1\n", "x.yaml:1: a key must be plain text");
	bad("a: {? {b: c} : d}\n", "x.yaml:1: a: a key must be plain text");
}

static void test_syntax_errors_name_the_line(void)
{
	bad("a: 1\n\tb: 2\n", "x.yaml:2: not valid YAML: indented with a tab; use spaces");
	bad("a:\n  b: 1\n \t c: 1\n", "x.yaml:3: not valid YAML: indented with a tab; use spaces");
	bad("a: [1\n",
	    "x.yaml:2: not valid YAML: while parsing a flow sequence: did not find expected "
	    "',' or ']'");
	bad("a: b: c\n",
	    "x.yaml:1: not valid YAML: mapping values are not allowed in this context");
	bad("a: \"x\n",
	    "x.yaml:2: not valid YAML: while scanning a quoted scalar: found unexpected end "
	    "of stream");
}

static void test_bytes_that_are_not_text(void)
{
	bad("a: \xff\n", "x.yaml: not UTF-8 text");
	bad_bytes("a: \0\n", 5, ERR_INPUT, "x.yaml: not UTF-8 text");
	bad("a: \"x\\0y\"\n", "x.yaml:1: a: text with a NUL in it");
	bad("a: 1\nb: \x01\n", "x.yaml:2: not valid YAML: control characters are not allowed");
	bad_bytes("\xff\xfe"
		  "a\0",
		  4, ERR_INPUT, "x.yaml: not UTF-8 text"); /* UTF-16 */
}

static char *repeated(const char *unit, size_t n)
{
	size_t len = strlen(unit), i;
	char *s = xcalloc(n + 1, len);

	for (i = 0; i < n; i++)
		(void)mempcpy(s + i * len, unit, len);
	return s;
}

static void test_time_is_linear(void)
{
	struct yaml_node *root = NULL;
	auto_buf struct buf keys = BUF_MAX(YAML_TEXT_MAX), tags = BUF_MAX(YAML_TEXT_MAX);
	int i;

	/* minutes if each were compared with all before it */
	for (i = 0; i < YAML_ENTRIES_MAX - 1; i++)
		assert(buf_addf(&keys, "%090d: 1\n", i) == 0);
	assert(yaml_tree_parse((const char *)keys.p, keys.n, "x", &root, NULL) == 0);
	assert(root->n == YAML_ENTRIES_MAX - 1);
	yaml_tree_free(root);
	for (i = 0; i < 60000; i++)
		assert(buf_addf(&tags, "%%TAG !a%d! b\n", i) == 0);
	assert(yaml_tree_parse((const char *)tags.p, tags.n, "x", &root, NULL) == ERR_INPUT);
}

static void test_limits(void)
{
	auto_free char *deep = repeated("[", 100000), *maps = repeated("{a: ", 100000);
	auto_free char *many = repeated("- x\n", YAML_ENTRIES_MAX),
		       *big = repeated("#", YAML_TEXT_MAX + 1);
	auto_free char *deepest = xasprintf("%.16s%s", deep, "]]]]]]]]]]]]]]]]");

	yaml_tree_free(good(deepest));
	bad_bytes(deep, 100000, ERR_LIMIT,
		  "x.yaml:1: [0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: "
		  "nested more than 16 deep");
	bad_bytes(maps, 400000, ERR_LIMIT,
		  "x.yaml:1: a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: nested more than 16 deep");
	bad_bytes(many, strlen(many), ERR_LIMIT,
		  "x.yaml:10000: [9999]: too many values in one document");
	bad_bytes(big, YAML_TEXT_MAX + 1, ERR_LIMIT,
		  "x.yaml: too large: 1048577 bytes, at most 1048576");
	assert(yaml_tree_parse(big, YAML_TEXT_MAX, "x", &(struct yaml_node *){ NULL }, NULL) == 0);
}

int main(void)
{
	test_a_tree_with_lines();
	test_nothing_is_null_only_without_quotes();
	test_empty_documents();
	test_text_is_what_was_written();
	test_keys_given_twice();
	test_what_changes_meaning_is_refused();
	test_syntax_errors_name_the_line();
	test_bytes_that_are_not_text();
	test_time_is_linear();
	test_limits();
	return 0;
}
