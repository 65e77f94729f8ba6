/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "auth/htpasswd.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* htpasswd -nbB -C 4: "pa:ss", and 72 times "a" */
#define HASH "$2y$04$ZNmiS2NAVoN8QHuxlPaA5u7C3kpLFCRjeDM9Bz1eJ24s1YNNhfK/K"
#define LONG "$2y$04$BRaWimMslp2n6d9lHXdisufWU9xogEKC/EpC/kJqTUtIcBd5iclvG"

static struct htpasswd h;

static int parse(const char *text, struct err *e)
{
	*e = ERR_NONE;
	return htpasswd_parse(text, strlen(text), "f", &h, e);
}

static void test_users_and_their_passwords(void)
{
	struct err e;

	assert(parse("# people\n\nalice:" HASH "\r\nbob:" LONG, &e) == 0 && h.n == 2);
	assert(htpasswd_verify(htpasswd_find(&h, "alice")->hash, "pa:ss"));
	assert(!htpasswd_verify(htpasswd_find(&h, "alice")->hash, "pa:s"));
	assert(!htpasswd_verify(htpasswd_find(&h, "alice")->hash, "pa:sS"));
	assert(!htpasswd_verify(htpasswd_find(&h, "alice")->hash, ""));
	assert(!htpasswd_find(&h, "Alice") && !htpasswd_find(&h, "") && !htpasswd_find(&h, "bo"));
}

static void test_a_long_password_is_not_cut(void)
{
	char text[80] = "";

	memset(text, 'a', 72);
	assert(htpasswd_verify(LONG, text));
	text[72] = 'b';
	assert(!htpasswd_verify(LONG, text));
}

static void test_files_that_are_wrong(void)
{
	static const char *const wrong[] = {
		"alice",
		"alice:",
		":" HASH,
		"al ice:" HASH,
		"alice:" HASH "x",
		"alice:" HASH ":x",
		"alice:$apr1$abcdefgh$0123456789012345678901",
		"alice:{SHA}0123456789012345678901234567890",
		"alice:plain",
		"alice:$2x$04$0123456789012345678901234567890123456789012345678901x",
		"alice:$2y$03$0123456789012345678901234567890123456789012345678901x",
		"alice:$2y$15$0123456789012345678901234567890123456789012345678901x",
		"alice:$2y$04$012345678901234567890123456789012345678901234567890!x",
		"alice:" HASH "\nalice:" HASH,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:" HASH,
	};
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert(parse(wrong[i], &e) == ERR_INPUT);
		assert(strncmp(e.text, "f:", 2) == 0 && !strstr(e.text, "$2y$04"));
	}
	assert(parse("", &e) == ERR_INPUT && strstr(e.text, "has no user"));
	assert(parse("# nobody\n", &e) == ERR_INPUT);
}

int main(void)
{
	test_users_and_their_passwords();
	test_a_long_password_is_not_cut();
	test_files_that_are_wrong();
	return 0;
}
