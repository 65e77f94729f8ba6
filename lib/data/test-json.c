/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/json.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

enum { MAX = 16 * 1024 * 1024 };

static json_t *good(const char *text)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;

	assert(json_parse(text, strlen(text), MAX, "doc", &j, &e) == 0);
	return j;
}

static void bad_bytes(const void *p, size_t n, int code, const char *message)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;
	int rc = json_parse(p, n, MAX, "doc", &j, &e);

	if (rc != code || !strstr(e.text, message))
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", rc, e.text, code, message);
	assert(rc == code && strstr(e.text, message) && !j);
}

static void bad(const char *text, const char *message)
{
	bad_bytes(text, strlen(text), ERR_INPUT, message);
}

static void same(char *got, const char *expected)
{
	if (!got || strcmp(got, expected) != 0)
		(void)fprintf(stderr, "got %s\nexpected %s\n", got ? got : "(null)", expected);
	assert(got && strcmp(got, expected) == 0);
	free(got);
}

static void test_any_value_is_a_document(void)
{
	json_decref(good("{\"a\":[1,true,null,\"x\"]}"));
	json_decref(good("null"));
	json_decref(good("  \"text\"\n"));
	json_decref(good("-7"));
}

static void test_errors_name_document_and_line(void)
{
	bad("{\"a\":1,\n\"b\":}", "doc:2: not valid JSON: ");
	bad("", "doc: empty, expected JSON");
	bad("{} {}", "doc:1: not valid JSON: ");
	bad("{\"a\":1", "not valid JSON");
	bad("[1,]", "not valid JSON");
	bad("{'a':1}", "not valid JSON");
	bad("99999999999999999999999", "too big");
	bad("1e999", "real number overflow");
}

static void test_duplicate_keys_are_refused(void)
{
	bad("{\"a\":1,\"a\":2}", "duplicate object key");
	bad("{\"a\":1,\"\\u0061\":2}", "duplicate object key");
}

static void test_nul_is_refused(void)
{
	bad_bytes("[1]\n\0", 5, ERR_INPUT, "doc:2: a NUL byte");
	bad_bytes("\"a\0b\"", 5, ERR_INPUT, "a NUL byte");
	bad("\"a\\u0000b\"", "\\\\u0000 is not allowed");
	bad("{\"a\\u0000\":1}", "not valid JSON");
}

static void test_invalid_utf8_is_refused(void)
{
	bad("\"\xff\"", "not valid UTF-8");
	bad("\"\xc0\x80\"", "not valid UTF-8");
	bad("\"\xed\xa0\x80\"", "not valid UTF-8");
	bad("\"\\ud800\"", "not valid JSON"); /* half a surrogate pair */
}

static void test_messages_are_one_printable_line(void)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;

	assert(json_parse("{\x1b[31m\n", 7, MAX, "doc", &j, &e) == ERR_INPUT);
	assert(!strchr(e.text, 0x1b) && !strchr(e.text, '\n'));
}

static void test_size_is_capped(void)
{
	struct err e = ERR_NONE;
	json_t *j = NULL;

	assert(json_parse("[1,2]", 5, 4, "doc", &j, &e) == ERR_LIMIT);
	assert(strcmp(e.text, "doc: too large: 5 bytes, at most 4") == 0);
	assert(json_parse("[12]", 4, 4, "doc", &j, &e) == 0);
	json_decref(j);
}

static char *repeated(const char *unit, size_t n)
{
	size_t len = strlen(unit), i;
	char *s = xcalloc(n + 1, len);

	for (i = 0; i < n; i++)
		(void)mempcpy(s + i * len, unit, len);
	return s;
}

static void test_depth_is_capped_linearly(void)
{
	char deepest[2 * JSON_DEPTH_MAX + 1] = "";
	auto_free char *bomb = repeated("[", 5000000), *objects = repeated("{\"a\":", 100000);

	memset(deepest, '[', JSON_DEPTH_MAX);
	memset(deepest + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	json_decref(good(deepest));
	bad_bytes(bomb, 65, ERR_LIMIT, "doc:1: nested more than 64 deep");
	bad_bytes(bomb, 5000000, ERR_LIMIT, "doc:1: nested more than 64 deep");
	bad_bytes(objects, 500000, ERR_LIMIT, "nested more than 64 deep");
}

static void test_brackets_in_strings_do_not_count(void)
{
	auto_free char *open = repeated("[{", 1000),
		       *text = xasprintf("[\"%s\\\"%s\\\\\"]", open, open);

	json_decref(good(text));
}

static void test_many_values_are_capped(void)
{
	auto_free char *bomb = repeated("{},", 1000000);

	bomb[0] = '[';
	bad_bytes(bomb, 3000000, ERR_LIMIT, "more than 500000 values");
}

static void test_text_forms(void)
{
	json_auto_t *j = good("{\"b\":1,\"a\":[\"\\u00e9/\\n\",false]}");

	same(json_compact(j), "{\"b\":1,\"a\":[\"\xc3\xa9/\\n\",false]}");
	same(json_compact_ascii(j), "{\"b\":1,\"a\":[\"\\u00E9/\\n\",false]}");
	same(json_pretty(j),
	     "{\n  \"b\": 1,\n  \"a\": [\n    \"\xc3\xa9/\\n\",\n    false\n  ]\n}");
	same(json_pretty_ascii(json_array_get(json_object_get(j, "a"), 0)), "\"\\u00E9/\\n\"");
}

/* The example of RFC 8785 3.2.3, without its non-integer numbers, and its sorting example. */
static void test_canonical_form(void)
{
	json_auto_t *a =
		good("{\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
		     "\"numbers\":[333,-1,0],\"literals\":[null,true,false],\"e\":{},\"l\":[]}");
	json_auto_t *b = good("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,"
			      "\"\\u0080\":6,\"\\u00f6\":7}");

	same(json_canonical(a),
	     "{\"e\":{},\"l\":[],\"literals\":[null,true,false],\"numbers\":[333,-1,0],"
	     "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	same(json_canonical(b),
	     "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
	     "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
}

static void test_canonical_refuses_what_it_cannot_say(void)
{
	json_auto_t *real = good("[1.5]"), *big = good("[9007199254740993]");
	json_t *deep = json_array();
	int i;

	assert(json_canonical(real) == NULL);
	assert(json_canonical(big) == NULL);
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		deep = json_pack("[o]", deep);
	assert(json_canonical(deep) == NULL);
	json_decref(deep);
}

static void test_getters_fall_back(void)
{
	json_auto_t *j = good("{\"s\":\"x\",\"n\":5,\"m\":-5,\"t\":true}");

	assert(strcmp(json_get_str(j, "s", "d"), "x") == 0);
	assert(strcmp(json_get_str(j, "n", "d"), "d") == 0 && !json_get_str(j, "none", NULL));
	assert(json_get_u64(j, "n", 1) == 5 && json_get_u64(j, "m", 1) == 1);
	assert(json_get_u64(j, "s", 2) == 2);
	assert(json_get_bool(j, "t", false) && json_get_bool(j, "none", true));
	assert(!json_get_bool(j, "n", false) && !json_get_bool(NULL, "t", false));
}

static void test_files_come_back(void)
{
	char dir[] = "/tmp/test-json-XXXXXX";
	json_auto_t *j = good("{\"a\":1}"), *again = NULL;
	struct err e = ERR_NONE;
	auto_close int fd = -1;

	assert(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	assert(json_write_file(fd, "x.json", 0600, j, &e) == 0);
	assert(json_read_file(fd, "x.json", 7, &again, &e) == 0 && json_equal(j, again));
	assert(json_read_file(fd, "x.json", 6, &again, &e) == -EFBIG);
	assert(json_read_file(fd, "none.json", 6, &again, &e) == -ENOENT);
	assert(unlinkat(fd, "x.json", 0) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	test_any_value_is_a_document();
	test_errors_name_document_and_line();
	test_duplicate_keys_are_refused();
	test_nul_is_refused();
	test_invalid_utf8_is_refused();
	test_messages_are_one_printable_line();
	test_size_is_capped();
	test_depth_is_capped_linearly();
	test_brackets_in_strings_do_not_count();
	test_many_values_are_capped();
	test_text_forms();
	test_canonical_form();
	test_canonical_refuses_what_it_cannot_say();
	test_getters_fall_back();
	test_files_come_back();
	return 0;
}
