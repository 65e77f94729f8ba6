/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "data/env_name.h"

static enum env_name check(const char *name)
{
	return env_name_check(name, strlen(name));
}

static void test_names_of_apps_pass(void)
{
	assert(check("API_TOKEN") == ENV_NAME_OK);
	assert(check("_x9") == ENV_NAME_OK);
	assert(check("DOCKER_PASSWORD") == ENV_NAME_OK);
	assert(check("LD") == ENV_NAME_OK);
	assert(check("MY_LD_PRELOAD") == ENV_NAME_OK);
	assert(check("PATHS") == ENV_NAME_OK);
}

static void test_what_is_no_name_is_refused(void)
{
	static const char *const bad[] = { "9a",       "a-b", "a b",	      "a=b",
					   "\xc3\xa4", "a\n", "BASH_FUNC_x%%" };
	char name[ENV_NAME_MAX + 2];
	size_t i;

	assert(check("") == ENV_NAME_EMPTY);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(check(bad[i]) == ENV_NAME_FORM);
	assert(env_name_check("a\0b", 3) == ENV_NAME_FORM);
	memset(name, 'a', sizeof(name));
	assert(env_name_check(name, ENV_NAME_MAX) == ENV_NAME_OK);
	assert(env_name_check(name, ENV_NAME_MAX + 1) == ENV_NAME_LONG);
}

static void test_names_that_change_programs_are_refused(void)
{
	static const char *const bad[] = { "LD_PRELOAD", "LD_AUDIT", "PATH",
					   "IFS",	 "BASH_ENV", "DOCKER_HOST",
					   "ENV",	 "PS4",	     "COMPOSE_FILE" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(check(bad[i]) == ENV_NAME_FORBIDDEN);
}

static void test_each_verdict_has_words(void)
{
	unsigned int v;

	for (v = 0; v <= ENV_NAME_COUNT; v++)
		assert(*env_name_text((enum env_name)v));
}

int main(void)
{
	test_names_of_apps_pass();
	test_what_is_no_name_is_refused();
	test_names_that_change_programs_are_refused();
	test_each_verdict_has_words();
	return 0;
}
