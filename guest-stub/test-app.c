/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/app.h"

#include <assert.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

static void test_init_scripts_share_one_shell(void)
{
	auto_free char *text = app_driver("/bin/sh", "init-", 2, NULL);

	assert(str_equal(text, "set -e\n"
			       ". /dstack/.scripts/init-0 3>&-\n"
			       ". /dstack/.scripts/init-1 3>&-\n"));
}

static void test_pre_launch_shell_becomes_main(void)
{
	auto_free char *text = app_driver("/bin/bash", "pre-launch-", 1, "main-0");

	assert(str_equal(text, "set -e\n"
			       ". /dstack/.scripts/pre-launch-0 3>&-\n"
			       "printf m >&3\n"
			       "exec 3>&-\n"
			       "exec /bin/bash /dstack/.scripts/main-0\n"));
}

int main(void)
{
	test_init_scripts_share_one_shell();
	test_pre_launch_shell_becomes_main();
	return 0;
}
