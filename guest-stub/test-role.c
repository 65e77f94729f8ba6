/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/role.h"

#include <assert.h>
#include <stdio.h>

static enum role with(pid_t pid, const char *word)
{
	char name[] = "bailey-guest", copy[32];
	char *argv[] = { name, copy, NULL };

	(void)snprintf(copy, sizeof(copy), "%s", word);
	return role_of(pid, 2, argv);
}

static void test_pid_1_is_init_whatever_the_kernel_passes(void)
{
	assert(with(1, "agent") == ROLE_INIT);
	assert(with(1, "--version") == ROLE_INIT);
}

static void test_words_choose_the_role(void)
{
	assert(with(7, "agent") == ROLE_AGENT);
	assert(with(7, "notifier") == ROLE_NOTIFIER);
	assert(with(7, "request-keys") == ROLE_KEYS);
	assert(with(7, "gateway") == ROLE_GATEWAY);
	assert(with(7, "--version") == ROLE_VERSION);
	assert(with(7, "--help") == ROLE_HELP);
}

static void test_some_may_have_a_folder(void)
{
	char name[] = "bailey-guest", agent[] = "agent", notifier[] = "notifier", dir[] = "/d";
	char keys[] = "request-keys";
	char *one[] = { name, agent, dir, NULL }, *other[] = { name, notifier, dir, NULL };
	char *two[] = { name, keys, dir, NULL };

	assert(role_of(7, 3, one) == ROLE_AGENT && role_of(1, 3, one) == ROLE_INIT);
	assert(role_of(7, 3, two) == ROLE_KEYS && role_of(1, 3, two) == ROLE_INIT);
	assert(role_of(7, 3, other) == ROLE_UNKNOWN);
}

static void test_anything_else_is_refused(void)
{
	char name[] = "bailey-guest";
	char *none[] = { name, NULL };

	assert(with(7, "init") == ROLE_UNKNOWN);
	assert(with(7, "") == ROLE_UNKNOWN);
	assert(role_of(7, 1, none) == ROLE_UNKNOWN);
}

int main(void)
{
	test_pid_1_is_init_whatever_the_kernel_passes();
	test_words_choose_the_role();
	test_some_may_have_a_folder();
	test_anything_else_is_refused();
	return 0;
}
