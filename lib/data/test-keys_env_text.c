/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/env_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/env_plain.h"
#include "data/json.h"

static struct env_text t;

static int parse(const char *text, size_t n, struct err *e)
{
	static char *kept;

	free(kept);
	kept = xcalloc(1, n + 1);
	memcpy(kept, text, n);
	return env_text_parse(kept, n, &t, e);
}

static void good(const char *text)
{
	struct err e = ERR_NONE;

	if (parse(text, strlen(text), &e) != 0)
		(void)fprintf(stderr, "%s: %s\n", text, e.text);
	assert(e.code == 0);
}

static void has(size_t i, const char *name, const char *value, unsigned int line)
{
	assert(i < t.n);
	if (!str_equal(t.vars[i].value, value))
		(void)fprintf(stderr, "%s is \"%s\", not \"%s\"\n", name, t.vars[i].value, value);
	assert(str_equal(t.vars[i].name, name) && t.vars[i].n_name == strlen(name));
	assert(str_equal(t.vars[i].value, value) && t.vars[i].n_value == strlen(value));
	assert(t.vars[i].line == line);
}

/* Refused, and @text's words of more than a name's are not in the message. */
static void bad_bytes(const char *text, size_t n, const char *message)
{
	struct err e = ERR_NONE;
	int rc = parse(text, n, &e);

	if (rc != ERR_INPUT || !str_starts(e.text, message))
		(void)fprintf(stderr, "got %d: %s\nexpected: %s\n", rc, e.text, message);
	assert(rc == ERR_INPUT && str_starts(e.text, message) && t.n == 0);
	assert(!strstr(e.text, "hunter2"));
}

static void bad(const char *text, const char *message)
{
	bad_bytes(text, strlen(text), message);
}

static void test_values_without_quotes_end_with_their_line(void)
{
	good("# a comment\n\n  \t\nA=1\nexport B=two words \n  C=\nD= #none\nE=a#b "
	     "#c\nF=it's\r\nG=x");
	assert(t.n == 7);
	has(0, "A", "1", 4);
	has(1, "B", "two words", 5);
	has(2, "C", "", 6);
	has(3, "D", "", 7);
	has(4, "E", "a#b", 8);
	has(5, "F", "it's", 9);
	has(6, "G", "x", 10);
	good("export=1\nexported=2\nexport\tX=3\n");
	has(0, "export", "1", 1);
	has(1, "exported", "2", 2);
	has(2, "X", "3", 3);
	good("");
	assert(t.n == 0);
	good("\xef\xbb\xbf"
	     "A=\xc3\xa4");
	has(0, "A", "\xc3\xa4", 1);
	good("A=$HOME=\\n`x`\n");
	has(0, "A", "$HOME=\\n`x`", 1);
}

static void test_single_quotes_hold_everything(void)
{
	good("A='a \"b\" \\n $x # y' # c\nB='1\n2\n'\nC=''\nD=x");
	has(0, "A", "a \"b\" \\n $x # y", 1);
	has(1, "B", "1\n2\n", 2);
	has(2, "C", "", 5);
	has(3, "D", "x", 6);
}

static void test_double_quotes_know_escapes(void)
{
	good("A=\"a\\nb\\tc\\rd \\\"e\\\" \\\\ \\$ \\` 'f'\"\nB=\"1\n2\" #\nC=1");
	has(0, "A", "a\nb\tc\rd \"e\" \\ $ ` 'f'", 1);
	has(1, "B", "1\n2", 2);
	has(2, "C", "1", 4);
}

static void test_messages_name_lines_and_no_values(void)
{
	bad("A=1\nhunter2\n", "2: no variable; write NAME=value");
	bad("hunter2hunter2hunter2-==", "1: what stands before = is not the name of a variable");
	bad("=hunter2", "1: what stands before = is empty");
	bad("A =hunter2", "1: what stands before = is not the name of a variable");
	bad("9=hunter2", "1: what stands before = is not the name of a variable");
	bad("A='1\nhunter2", "1: the quote ' does not end");
	bad("\nA=\"1\nhunter2\\\"", "2: the quote \" does not end");
	bad("A=\"hunter2\\", "1: the quote \" does not end");
	bad("A=\"1\n\\hunter2\"", "2: no such escape");
	bad("A='x'hunter2", "1: something follows the closing quote");
	bad("A='x'#hunter2", "1: something follows the closing quote");
	bad("A=\"x\" hunter2", "1: something follows the closing quote");
	bad("A=hunter2\nB=2\nA=3", "3: A is there twice, first in line 1; remove one");
	bad("LD_PRELOAD=hunter2", "1: LD_PRELOAD changes which program runs");
	bad_bytes("A=1\nB=hunter2\0x", 15, "2: holds a NUL byte");
	bad("A=1\nB=hunter2\xff", "2: not text (UTF-8)");
}

static void test_limits(void)
{
	auto_buf struct buf b = BUF_MAX(8 * 1024 * 1024);
	int i;

	for (i = 0; i < ENV_VARS_MAX; i++)
		assert(buf_addf(&b, "V%d=x\n", i) == 0);
	good((char *)b.p);
	assert(t.n == ENV_VARS_MAX);
	assert(buf_add_str(&b, "ONE_MORE=1") == 0);
	bad((char *)b.p, "1025: more than 1024 variables");

	b.n = 0;
	assert(buf_add_str(&b, "A=") == 0);
	for (i = 2; i < ENV_PLAIN_PAIR_MAX; i++)
		assert(buf_add_str(&b, "x") == 0);
	good((char *)b.p);
	assert(t.vars[0].n_value == ENV_PLAIN_PAIR_MAX - 2);
	assert(buf_add_str(&b, "x") == 0);
	bad((char *)b.p, "1: A and its value have 131072 bytes, and a program can be given 131071");
	b.n = 0;
	while (b.n <= ENV_TEXT_MAX)
		assert(buf_add_str(&b, "# a comment without end\n") == 0);
	bad((char *)b.p, "1: more than 2 MiB");
}

static void test_all_together_is_bounded(void)
{
	auto_buf struct buf b = BUF_MAX(8 * 1024 * 1024);
	int i, k;

	for (i = 0; i < 9; i++) {
		assert(buf_addf(&b, "V%d=", i) == 0);
		for (k = 0; k < ENV_VALUE_MAX - 10; k++)
			assert(buf_add_str(&b, "x") == 0);
		assert(buf_add_str(&b, "\n") == 0);
	}
	bad((char *)b.p, "9: names and values together are over 1024 KiB");
}

static void test_json_is_what_guests_read(void)
{
	auto_buf struct buf b = BUF_MAX(0);
	struct err e = ERR_NONE;
	json_t *j = NULL;

	good("B=\"a\\\"\\\\\\n\\t\"\nA='\x01 \xc3\xa4'\n");
	b.max = env_text_json_size(&t);
	assert(env_text_json(&t, &b) == 0);
	assert(str_equal((char *)b.p, "{\"env\":[{\"key\":\"B\",\"value\":\"a\\\"\\\\\\n\\t\"},"
				      "{\"key\":\"A\",\"value\":\"\\u0001 \xc3\xa4\"}]}"));
	assert(json_parse(b.p, b.n, b.n, "x", &j, &e) == 0);
	json_decref(j);
	good("");
	b.n = 0;
	assert(env_text_json(&t, &b) == 0 && str_equal((char *)b.p, "{\"env\":[]}"));
}

int main(void)
{
	test_values_without_quotes_end_with_their_line();
	test_single_quotes_hold_everything();
	test_double_quotes_know_escapes();
	test_messages_name_lines_and_no_values();
	test_limits();
	test_all_together_is_bounded();
	test_json_is_what_guests_read();
	return 0;
}
