/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "auth/credentials.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct credentials c;

static void expect(enum credentials_kind kind, const char *user, const char *secret)
{
	if (c.kind != kind || strcmp(c.user, user) != 0 || strcmp(c.secret, secret) != 0)
		(void)fprintf(stderr, "got %d '%s' '%s'\n", (int)c.kind, c.user, c.secret);
	assert(c.kind == kind && strcmp(c.user, user) == 0 && strcmp(c.secret, secret) == 0);
	credentials_deinit(&c);
	assert(c.kind == CREDENTIALS_NONE && c.secret[0] == 0);
}

static void header(const char *value)
{
	credentials_from_header(&c, value);
}

static void test_bearer_is_a_token(void)
{
	header("Bearer abc");
	expect(CREDENTIALS_TOKEN, "", "abc");
	header("Bearer  \t abc  ");
	expect(CREDENTIALS_TOKEN, "", "abc");
	header("Bearer a b");
	expect(CREDENTIALS_TOKEN, "", "a b"); /* it is nobody's */
	header("Bearer ");
	expect(CREDENTIALS_BAD, "", "");
	header("Bearer   ");
	expect(CREDENTIALS_BAD, "", "");
	header("Bearer a\x01");
	expect(CREDENTIALS_BAD, "", "");
}

static void test_schemes_are_matched_to_the_letter(void)
{
	static const char *const others[] = { "bearer abc",	"BEARER abc", "Bearer",
					      "Bearer\tabc",	"basic YTpi", "Basic",
					      "Digest a=\"b\"", "",	      " Bearer abc" };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		header(others[i]);
		expect(CREDENTIALS_NONE, "", "");
	}
	header(NULL);
	expect(CREDENTIALS_NONE, "", "");
}

static void test_basic_is_a_user_and_a_password(void)
{
	header("Basic YTpi");
	expect(CREDENTIALS_PASSWORD, "a", "b");
	header("Basic YTpiOmM="); /* a:b:c */
	expect(CREDENTIALS_PASSWORD, "a", "b:c");
	header("Basic YTo=");
	expect(CREDENTIALS_PASSWORD, "a", "");
	header("Basic OmI=");
	expect(CREDENTIALS_PASSWORD, "", "b");
	header("Basic Og==");
	expect(CREDENTIALS_PASSWORD, "", "");
	header("Basic Zm9vOmJhcsOk"); /* UTF-8 */
	expect(CREDENTIALS_PASSWORD, "foo", "bar\xc3\xa4");
}

static void test_basic_that_is_malformed(void)
{
	static const char *const wrong[] = { "Basic ",	   "Basic YQ==",  "Basic YTpi=",
					     "Basic YTp",  "Basic YTpi ", "Basic Y Tpi",
					     "Basic ****", "Basic YToA",  "Basic YTpiYR==" };
	char large[4096] = "Basic ";
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		header(wrong[i]);
		expect(CREDENTIALS_BAD, "", "");
	}
	memset(large + 6, 'Q', 2000);
	header(large);
	expect(CREDENTIALS_BAD, "", "");
}

static void test_what_is_too_long_is_malformed(void)
{
	char text[CREDENTIALS_MAX + 16] = "Bearer ";

	memset(text + 7, 'a', CREDENTIALS_MAX);
	header(text);
	assert(c.kind == CREDENTIALS_TOKEN && strlen(c.secret) == CREDENTIALS_MAX);
	text[7 + CREDENTIALS_MAX] = 'a';
	header(text);
	expect(CREDENTIALS_BAD, "", "");
	credentials_from_token(&c, text + 7);
	expect(CREDENTIALS_BAD, "", "");
	credentials_from_token(&c, "abc");
	expect(CREDENTIALS_TOKEN, "", "abc");
	credentials_from_token(&c, NULL);
	expect(CREDENTIALS_NONE, "", "");
	credentials_from_token(&c, "");
	expect(CREDENTIALS_BAD, "", "");
}

static void test_a_query_has_a_token(void)
{
	static const struct {
		const char *query;
		enum credentials_kind kind;
		const char *secret;
	} rows[] = {
		{ "token=abc", CREDENTIALS_TOKEN, "abc" },
		{ "id=1&token=abc&json", CREDENTIALS_TOKEN, "abc" },
		{ "token=a%62c", CREDENTIALS_TOKEN, "abc" },
		{ "%74oken=abc", CREDENTIALS_TOKEN, "abc" },
		{ "token=one&token=two", CREDENTIALS_TOKEN, "one" },
		{ "token=", CREDENTIALS_BAD, "" },
		{ "token", CREDENTIALS_BAD, "" },
		{ "token=%", CREDENTIALS_BAD, "" },
		{ "token=%0", CREDENTIALS_BAD, "" },
		{ "token=%00", CREDENTIALS_BAD, "" },
		{ "Token=abc", CREDENTIALS_NONE, "" },
		{ "tokens=abc", CREDENTIALS_NONE, "" },
		{ "xtoken=abc", CREDENTIALS_NONE, "" },
		{ "id=token=abc", CREDENTIALS_NONE, "" },
		{ "&&", CREDENTIALS_NONE, "" },
		{ "", CREDENTIALS_NONE, "" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		credentials_from_query(&c, rows[i].query);
		expect(rows[i].kind, "", rows[i].secret);
	}
	credentials_from_query(&c, NULL);
	expect(CREDENTIALS_NONE, "", "");
}

static void test_tokens_are_taken_out_of_a_query(void)
{
	static const char *const rows[][2] = {
		{ "token=abc", "" },
		{ "id=1&token=abc&json", "id=1&json" },
		{ "token=abc&id=1", "id=1" },
		{ "id=1&token=abc", "id=1" },
		{ "token=a&token=b&%74oken=c", "" },
		{ "id=1&x=token", "id=1&x=token" },
		{ "id=1&", "id=1&" },
		{ "", "" },
	};
	char query[64];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(query, sizeof(query), "%s", rows[i][0]);
		credentials_strip_query(query);
		assert(strcmp(query, rows[i][1]) == 0);
	}
}

int main(void)
{
	test_bearer_is_a_token();
	test_schemes_are_matched_to_the_letter();
	test_basic_is_a_user_and_a_password();
	test_basic_that_is_malformed();
	test_what_is_too_long_is_malformed();
	test_a_query_has_a_token();
	test_tokens_are_taken_out_of_a_query();
	return 0;
}
