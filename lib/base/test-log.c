/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/log.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int ends[2];
static char line[4096];

static const char *logged(void)
{
	ssize_t n = read(ends[0], line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = 0;
	return line;
}

static void test_levels(void)
{
	log_init(LOG_LEVEL_WARN);
	log_error("a %d", 1);
	assert(strcmp(logged(), "<3>a 1\n") == 0);
	log_info("not shown");
	assert(logged()[0] == 0);
	log_init(LOG_LEVEL_DEBUG);
	log_debug("shown");
	assert(strcmp(logged(), "<7>shown\n") == 0);
}

static void test_a_line_is_one_line(void)
{
	log_warn("a\nb\x1b[1m\x7f %s", "caf\xc3\xa9");
	assert(strcmp(logged(), "<4>a?b?[1m? caf\xc3\xa9\n") == 0);
}

static void test_long_lines_are_cut(void)
{
	char big[3000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	log_info("%s", big);
	assert(strlen(logged()) <= 1024 && line[strlen(line) - 1] == '\n' && line[3] == 'x');
}

int main(void)
{
	int saved = dup(STDERR_FILENO);

	assert(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 && saved >= 0);
	assert(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	test_levels();
	test_a_line_is_one_line();
	test_long_lines_are_cut();
	assert(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	return 0;
}
