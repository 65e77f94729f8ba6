/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void test_set_returns_the_code_and_keeps_the_text(void)
{
	struct err e = ERR_NONE;

	assert(err_set(&e, ERR_INPUT, "port %d is taken", 80) == ERR_INPUT);
	assert(e.code == ERR_INPUT && strcmp(e.text, "port 80 is taken") == 0);
}

static void test_null_still_fails(void)
{
	assert(err_set(NULL, -EIO, "x") == -EIO);
	assert(err_errno(NULL, EIO, "x") == -EIO);
	assert(err_wrap(NULL, -EIO, "x") == -EIO);
}

static void test_errno_is_put_in_words(void)
{
	struct err e = ERR_NONE;

	assert(err_errno(&e, ENOENT, "cannot open '%s'", "a") == -ENOENT);
	assert(strcmp(e.text, "cannot open 'a': No such file or directory") == 0);
}

static void test_wrap_puts_the_attempt_in_front_and_never_overflows(void)
{
	struct err e = ERR_NONE;
	int i;

	err_set(&e, -EIO, "cause");
	assert(err_wrap(&e, -EPERM, "vm 'a'") == -EPERM);
	assert(e.code == -EPERM && strcmp(e.text, "vm 'a': cause") == 0);
	for (i = 0; i < 100; i++)
		err_wrap(&e, -EPERM, "doing something long again and again and again, attempt %d",
			 i);
	assert(strlen(e.text) < sizeof(e.text));
}

static void test_names(void)
{
	assert(strcmp(err_name(ERR_PROTO), "protocol broken") == 0);
	assert(strcmp(err_name(ERR_CORRUPT), "corrupt") == 0);
	assert(strcmp(err_name(-ENOMEM), "Cannot allocate memory") == 0);
	assert(strcmp(err_name(-2999), "unknown error") == 0);
}

int main(void)
{
	test_set_returns_the_code_and_keeps_the_text();
	test_null_still_fails();
	test_errno_is_put_in_words();
	test_wrap_puts_the_attempt_in_front_and_never_overflows();
	test_names();
	return 0;
}
