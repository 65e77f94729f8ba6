/* SPDX-License-Identifier: Apache-2.0 */
#include "base/service_main.h"

#undef NDEBUG
#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "base/str.h"

static const struct service_program program = { "someone", "usage: someone\n", "probe" };
static struct service_command got;

static bool read_args(const struct service_program *p, const char *const *args)
{
	static char *argv[8]; /* what was read points into it */
	static char room[8][32];
	int n;

	for (n = 0; args[n]; n++) {
		assert(str_copy(room[n], sizeof(room[n]), args[n]) >= 0);
		argv[n] = room[n];
	}
	argv[n] = NULL;
	optind = 0; /* begin anew */
	opterr = 0;
	return service_main_read(p, n, argv, &got);
}

#define READ(...) read_args(&program, (const char *const[]){ "x", __VA_ARGS__, NULL })

static void test_what_is_asked(void)
{
	assert(read_args(&program, (const char *const[]){ "x", NULL }));
	assert(got.action == SERVICE_SERVE && !got.file && got.n_words == 0);
	assert(READ("--config", "a.yaml", "--check-config"));
	assert(got.action == SERVICE_CHECK && strcmp(got.file, "a.yaml") == 0);
	assert(READ("-c", "b", "word", "more") && strcmp(got.file, "b") == 0);
	assert(got.n_words == 2 && strcmp(got.words[1], "more") == 0);
	assert(READ("--print-config") && got.action == SERVICE_PRINT);
	assert(READ("--probe") && got.action == SERVICE_OTHER);
}

static void test_what_is_answered_at_once(void)
{
	const struct service_program plain = { "someone", "usage: someone\n", NULL };

	assert(!READ("--version") && got.exit_code == 0);
	assert(!READ("-h") && got.exit_code == 0);
	assert(!READ("--unknown") && got.exit_code == SERVICE_EXIT_USAGE);
	assert(!READ("-c") && got.exit_code == SERVICE_EXIT_USAGE);
	assert(!read_args(&plain, (const char *const[]){ "x", "--probe", NULL }));
	assert(got.exit_code == SERVICE_EXIT_USAGE);
}

int main(void)
{
	test_what_is_asked();
	test_what_is_answered_at_once();
	return 0;
}
