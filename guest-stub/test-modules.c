/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/modules.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void test_paths_in_order_without_comments(void)
{
	const char *at = "# a list\n\n/lib/a.ko\n/lib/b.ko.xz\n#/lib/c.ko\n/lib/d.ko";
	char path[MODULES_PATH_SIZE];

	assert(modules_next(&at, path) == 1 && str_equal(path, "/lib/a.ko"));
	assert(modules_next(&at, path) == 1 && str_equal(path, "/lib/b.ko.xz"));
	assert(modules_next(&at, path) == 1 && str_equal(path, "/lib/d.ko"));
	assert(modules_next(&at, path) == 0);
	assert(modules_next(&at, path) == 0);
}

static void test_what_is_no_path_is_an_error(void)
{
	char path[MODULES_PATH_SIZE], line[MODULES_PATH_SIZE + 2];
	const char *at = "a.ko\n";

	assert(modules_next(&at, path) == -EINVAL);
	memset(line, 'a', sizeof(line) - 1);
	line[0] = '/';
	line[sizeof(line) - 1] = 0;
	at = line;
	assert(modules_next(&at, path) == -ENAMETOOLONG);
}

static void test_no_list_is_no_modules(void)
{
	struct err e = ERR_NONE;

	assert(modules_load("/nonexistent/modules", &e) == 0);
}

int main(void)
{
	test_paths_in_order_without_comments();
	test_what_is_no_path_is_an_error();
	test_no_list_is_no_modules();
	return 0;
}
