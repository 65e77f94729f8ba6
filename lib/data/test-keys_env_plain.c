/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/env_plain.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const allowed[] = { "A", "B", "C", "LD_PRELOAD", "LONG" };

static int parse(const char *text, struct env_plain **ret, struct err *e)
{
	return env_plain_parse(text, strlen(text), allowed, sizeof(allowed) / sizeof(*allowed), ret,
			       e);
}

static struct env_plain *good(const char *items)
{
	auto_free char *text = xasprintf("{\"env\":[%s]}", items);
	struct env_plain *v = NULL;
	struct err e = ERR_NONE;

	assert(parse(text, &v, &e) == 0 && e.code == 0);
	return v;
}

static void bad_text(const char *text, int code, const char *message)
{
	struct env_plain *v = NULL;
	struct err e = ERR_NONE;
	int r = parse(text, &v, &e);

	if (r != code || !strstr(e.text, message))
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", r, e.text, code, message);
	assert(r == code && strstr(e.text, message) && !v);
	/* nothing of what was sealed is told */
	assert(!strstr(e.text, "hush"));
}

static void bad(const char *items, int code, const char *message)
{
	auto_free char *text = xasprintf("{\"env\":[%s]}", items);

	bad_text(text, code, message);
}

#define ITEM(k, v) "{\"key\":\"" k "\",\"value\":\"" v "\"}"

static void test_sorted_and_only_what_is_allowed(void)
{
	struct env_plain *v = good(ITEM("C", "3") "," ITEM("X", "no") "," ITEM("A", "1") "," ITEM(
		"B", "") ",{\"key\":\"Y\",\"value\":\"\",\"more\":1}");
	auto_free char *json = env_plain_json(v);
	auto_buf struct buf shell = BUF_MAX(ENV_PLAIN_SHELL_MAX);

	assert(v->n == 3 && v->n_skipped == 2);
	assert(str_equal(v->items[0].key, "A") && str_equal(v->items[0].value, "1"));
	assert(str_equal(json, "{\"A\":\"1\",\"B\":\"\",\"C\":\"3\"}"));
	assert(env_plain_shell(v, &shell) == 0 && str_equal((char *)shell.p, "A=1\nB=\nC=3\n"));
	env_plain_free(v);
	v = good("");
	assert(v->n == 0 && v->n_skipped == 0);
	env_plain_free(v);
	env_plain_free(NULL);
}

static void test_forms_that_are_none(void)
{
	bad_text("", ERR_INPUT, "not JSON of the form");
	bad_text("[\"hush\"", ERR_INPUT, "not JSON of the form");
	bad_text("{\"env\":{}}", ERR_INPUT, "not JSON of the form");
	bad_text("{\"env\":[\"\xff\"]}", ERR_INPUT, "not JSON of the form");
	bad_text("{\"env\":[hush]}", ERR_INPUT, "not JSON of the form");
	bad("\"hush\"", ERR_INPUT, "item 1: expected texts key and value");
	bad(ITEM("A", "1") ",{\"key\":\"B\"}", ERR_INPUT, "item 2: expected texts key and value");
	bad("{\"key\":\"A\",\"value\":1}", ERR_INPUT, "item 1: expected texts");
}

static void test_names_and_nul(void)
{
	bad(ITEM("A", "hush\\u0000"), ERR_INPUT, "item 1: its value holds a NUL byte");
	bad(ITEM("A\\u0000B", "hush"), ERR_INPUT, "item 1: its name holds a NUL byte");
	/* also of those that would be left out */
	bad(ITEM("hush=", ""), ERR_INPUT, "item 1: its name is not the name of a variable");
	bad(ITEM("", ""), ERR_INPUT, "item 1: its name is empty");
	bad(ITEM("1X", ""), ERR_INPUT, "item 1: its name is not the name");
	bad(ITEM("A", "1") "," ITEM("LD_PRELOAD", "/hush.so"), ERR_INPUT,
	    "item 2: its name changes which program runs");
	bad(ITEM("DSTACK_SIMULATOR_ENDPOINT", ""), ERR_INPUT, "item 1: its name changes which");
	bad(ITEM("A", "1") "," ITEM("B", "hush") "," ITEM("A", "hush"), ERR_INPUT,
	    "items 1 and 3 have the same name");
	bad(ITEM("X", "1") "," ITEM("X", "hush"), ERR_INPUT, "items 1 and 2 have the same name");
	bad_text("{\"env\":[{\"key\":\"A\",\"key\":\"hush\",\"value\":\"\"}]}", ERR_INPUT,
		 "not JSON");
}

static void test_limits(void)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);
	auto_free char *longest = xcalloc(1, ENV_PLAIN_PAIR_MAX + 2);
	auto_free char *item = NULL, *over = NULL;
	struct env_plain *v;
	int i;

	memset(longest, 'x', ENV_PLAIN_PAIR_MAX - strlen("LONG="));
	item = xasprintf("{\"key\":\"LONG\",\"value\":\"%s\"}", longest);
	v = good(item);
	assert(v->n == 1);
	env_plain_free(v);
	longest[ENV_PLAIN_PAIR_MAX - strlen("LONG=")] = 'x';
	over = xasprintf("{\"key\":\"LONG\",\"value\":\"%s\"}", longest);
	bad(over, ERR_LIMIT, "item 1: name and value have more than 131071 bytes");
	for (i = 0; i < 1025; i++)
		assert(buf_addf(&b, "%s{\"key\":\"X%d\",\"value\":\"\"}", i ? "," : "", i) == 0);
	bad((char *)b.p, ERR_LIMIT, "has 1025 items, at most 1024");
	while (b.n <= ENV_PLAIN_MAX)
		assert(buf_add_str(&b, "          ") == 0);
	bad((char *)b.p, ERR_LIMIT, "too large");
}

/* Values and how they stand in the file. */
static const struct {
	const char *value, *line;
} quoted[] = {
	{ "", "" },
	{ "plain-1.2_3/4:5,6@7%8+9=", "plain-1.2_3/4:5,6@7%8+9=" },
	/* as dstack has these */
	{ "hello world", "\"hello world\"" },
	{ "say \"hello\"", "\"say \\\"hello\\\"\"" },
	{ "price=$100", "\"price=\\$100\"" },
	/* dstack's does not come back */
	{ "line1\nline2", "\"line1\nline2\"" },
	{ "back\\slash\\", "\"back\\\\slash\\\\\"" },
	{ "`id` $(id) ${HOME} !! # ~ * ? [a] {b} 'c'",
	  "\"\\`id\\` \\$(id) \\${HOME} !! # ~ * ? [a] {b} 'c'\"" },
	{ "\\\n\\n\t\r\x01\x7f", "\"\\\\\n\\\\n\t\r\x01\x7f\"" },
	{ " lead and trail ", "\" lead and trail \"" },
	{ "~", "\"~\"" },
	{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" },
};

enum { N_QUOTED = sizeof(quoted) / sizeof(quoted[0]) };

static struct env_plain *with_value(const char *value)
{
	json_auto_t *doc = json_pack("{s:[{s:s, s:s}]}", "env", "key", "A", "value", value);
	auto_free char *text = json_dumps(doc, JSON_COMPACT);
	struct env_plain *v = NULL;

	assert(parse(text, &v, NULL) == 0 && v->n == 1 && str_equal(v->items[0].value, value));
	return v;
}

/* What systemd's reader of an EnvironmentFile does with "A=..." in double quotes or plain. */
static void read_as_systemd(const char *line, char *ret)
{
	const char *s = line + 2;
	size_t n = 0;

	if (*s != '"') {
		while (*s && *s != '\n')
			ret[n++] = *s++;
	} else {
		for (s++; *s && *s != '"'; s++) {
			if (*s == '\\' && s[1] == '\n') {
				s++; /* a continued line */
				continue;
			}
			if (*s == '\\' && strchr("\"\\`$", s[1]))
				s++;
			ret[n++] = *s;
		}
		assert(s[0] == '"' && s[1] == '\n');
	}
	ret[n] = '\0';
}

static void test_quoting_comes_back(void)
{
	size_t i;

	for (i = 0; i < N_QUOTED; i++) {
		struct env_plain *v = with_value(quoted[i].value);
		auto_free char *line = xasprintf("A=%s\n", quoted[i].line);
		auto_buf struct buf b = BUF_MAX(ENV_PLAIN_SHELL_MAX);
		char again[256];

		assert(env_plain_shell(v, &b) == 0 && str_equal((char *)b.p, line));
		read_as_systemd((char *)b.p, again);
		assert(str_equal(again, quoted[i].value));
		env_plain_free(v);
	}
}

/* A shell that sources the file has the same bytes. */
static void test_shell_reads_the_same(void)
{
	char dir[] = "env-plain-XXXXXX";
	size_t i;

	assert(mkdtemp(dir));
	for (i = 0; i < N_QUOTED; i++) {
		struct env_plain *v = with_value(quoted[i].value);
		auto_buf struct buf b = BUF_MAX(ENV_PLAIN_SHELL_MAX), out = { 0 };
		auto_free char *file = xasprintf("%s/env", dir);
		auto_free char *run =
			xasprintf("/bin/sh -c '. ./%s/env; printf %%s \"$A\" > %s/out'", dir, dir);
		auto_free char *result = xasprintf("%s/out", dir);
		FILE *f = fopen(file, "w");

		assert(env_plain_shell(v, &b) == 0);
		assert(f && fwrite(b.p, 1, b.n, f) == b.n && fclose(f) == 0);
		/* NOLINTNEXTLINE(cert-env33-c): a shell is what is tested */
		assert((system)(run) == 0);
		assert(file_read(-100 /* AT_FDCWD */, result, 4096, &out, NULL) == 0);
		assert(out.n == strlen(quoted[i].value) &&
		       (out.n == 0 || memcmp(out.p, quoted[i].value, out.n) == 0));
		env_plain_free(v);
		assert(unlink(file) == 0 && unlink(result) == 0);
	}
	assert(rmdir(dir) == 0);
}

int main(void)
{
	test_sorted_and_only_what_is_allowed();
	test_forms_that_are_none();
	test_names_and_nul();
	test_limits();
	test_quoting_comes_back();
	test_shell_reads_the_same();
	return 0;
}
