/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/gist.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void gives(const char *said, const char *want)
{
	char got[GIST_SIZE];

	(void)gist_of(said, got);
	if (strcmp(got, want) != 0) {
		(void)fprintf(stderr, "\"%s\"\nis not \"%s\"\n", got, want);
		abort();
	}
}

static void test_the_last_line_counts(void)
{
	gives("", "");
	gives("\n\n", "");
	gives("Domain not found", "Domain not found");
	gives("internal error: it broke", "it broke");
	gives("internal error: qemu unexpectedly closed the monitor: q: warning: y\n"
	      "2026-11-21T04:06:27.453069Z qemu-system-x86_64: -netdev user,id=net0: Could not set "
	      "up host forwarding rule\n",
	      "-netdev user,id=net0: Could not set up host forwarding rule");
}

static void test_of_a_schema_error_all_but_the_first_line_counts(void)
{
	char said[1000] = "XML document failed to validate against schema\n", got[GIST_SIZE];

	gives("XML document failed to validate: x.rng\nElement domain has extra content: flux\n\n",
	      "Element domain has extra content: flux");
	gives("XML document failed to validate: x.rng\nExtra element a\nElement b failed\n",
	      "Extra element a; Element b failed");
	gives("XML document failed to validate: x.rng", "XML document failed to validate: x.rng");
	memset(said + strlen(said), 'x', 900);
	assert(strlen(gist_of(said, got)) < GIST_SIZE);
}

static void test_a_command_line_is_left_out(void)
{
	gives("internal error: Child process (PATH=/x /usr/bin/qemu -a (b) -c) unexpected exit "
	      "status 1: no room\n",
	      "unexpected exit status 1: no room");
	gives("internal error: Child process (cut off", "Child process (cut off");
}

static void test_control_bytes_are_escaped(void)
{
	gives("a\x1b[31mb", "a\\x1b[31mb");
}

static void test_of_a_long_line_the_end_stays(void)
{
	char said[2000], got[GIST_SIZE];

	memset(said, 'x', sizeof(said));
	memcpy(said + sizeof(said) - 5, "tail", 5);
	(void)gist_of(said, got);
	assert(strncmp(got, "...x", 4) == 0 && strcmp(got + strlen(got) - 4, "tail") == 0);
	memset(said, 0xff, 1000);
	(void)gist_of(said, got);
	assert(strcmp(got + strlen(got) - 4, "tail") == 0);
	memset(said, 0xff, sizeof(said) - 1);
	(void)gist_of(said, got);
	assert(strlen(got) < GIST_SIZE);
}

int main(void)
{
	test_the_last_line_counts();
	test_of_a_schema_error_all_but_the_first_line_counts();
	test_a_command_line_is_left_out();
	test_control_bytes_are_escaped();
	test_of_a_long_line_the_end_stays();
	return 0;
}
