/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "auth/tokens.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define TOKEN "0123456789abcdef"
/* of "0123456789abcdef0" */
#define HASHED "sha256:fbde7cde4d7a8f39cbc7b2f55eabc5ed0ee0a3f3f95c21ea5ea32f4c5ac9a8ad"

static struct tokens t;

static int parse(const char *text, struct err *e)
{
	*e = ERR_NONE;
	return tokens_parse(text, strlen(text), "f", &t, e);
}

static void test_a_file_gives_roles_and_names(void)
{
	struct digest256 d = digest256_bytes(TOKEN "0", strlen(TOKEN "0"));
	char text[512];
	struct err e;
	int n = snprintf(text, sizeof(text),
			 "# who\n\noperate alice " TOKEN "\r\n  read\tprometheus  sha256:");
	size_t i;

	for (i = 0; i < sizeof(d.b); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%02X", d.b[i]);
	assert(parse(text, &e) == 0 && t.n == 2);
	assert(tokens_find(&t, TOKEN)->role == ROLE_OPERATE);
	assert(strcmp(tokens_find(&t, TOKEN)->name, "alice") == 0);
	assert(tokens_find(&t, TOKEN "0")->role == ROLE_READ);
	assert(parse("", &e) == 0 && t.n == 0 && !tokens_find(&t, TOKEN)); /* nobody may call */
}

static void test_a_token_that_is_almost_right(void)
{
	char almost[sizeof(TOKEN) + 1] = TOKEN;
	struct err e;
	size_t i;

	assert(parse("operate alice " TOKEN "\n", &e) == 0);
	for (i = 0; i < strlen(TOKEN); i++) {
		almost[i] ^= 1;
		assert(!tokens_find(&t, almost));
		almost[i] ^= 1;
		almost[i] ^= 0x20; /* the other case, or something else */
		assert(!tokens_find(&t, almost));
		almost[i] ^= 0x20;
	}
	assert(tokens_find(&t, almost));
	assert(!tokens_find(&t, TOKEN " ") && !tokens_find(&t, " " TOKEN));
	assert(!tokens_find(&t, TOKEN "0") && !tokens_find(&t, &TOKEN[1]) && !tokens_find(&t, ""));
	almost[strlen(TOKEN) - 1] = 0;
	assert(!tokens_find(&t, almost));
}

static void test_lines_that_are_wrong(void)
{
	static const char *const wrong[] = {
		"operate alice",
		"operate alice " TOKEN " more",
		"admin alice " TOKEN,
		"Operate alice " TOKEN,
		"operate alice 0123456789abcde",
		"operate al\x01ice " TOKEN,
		"operate alice sha256:00",
		"operate alice " HASHED "0",
		"operate alice sha256:zz",
		"operate alice " TOKEN "\nread bob " TOKEN,
		"operate aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " TOKEN,
	};
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert(parse(wrong[i], &e) == ERR_INPUT);
		assert(strncmp(e.text, i == 9 ? "f:2: " : "f:1: ", 5) == 0);
		assert(!strstr(e.text, "0123456")); /* never the token */
	}
}

static void test_there_may_be_so_many(void)
{
	static char text[64 * (TOKENS_MAX + 1)];
	struct err e;
	size_t n = 0;
	int i;

	for (i = 0; i <= TOKENS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "read n%d " TOKEN "%d\n", i, i);
	assert(parse(text, &e) == ERR_INPUT && strstr(e.text, "more than 256"));
	*strrchr(text, 'r') = 0;
	assert(parse(text, &e) == 0 && t.n == TOKENS_MAX);
	assert(strcmp(tokens_find(&t, TOKEN "255")->name, "n255") == 0);
}

int main(void)
{
	test_a_file_gives_roles_and_names();
	test_a_token_that_is_almost_right();
	test_lines_that_are_wrong();
	test_there_may_be_so_many();
	return 0;
}
