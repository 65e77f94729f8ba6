/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/inject.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef BAILEY_INJECT

static char dir[] = "/tmp/test-inject-XXXXXX";

static int walk(int n)
{
	int rc = 0;

	for (; n > 0 && !rc; n--) {
		inject_point("test.one");
		inject_point("test.two");
		rc = inject_error("test.try");
	}
	return rc;
}

/* How a process ends that walks @n times under @order: its signal, or 1000 plus what walk() came to. */
static int ends_with(const char *order, int n)
{
	pid_t pid = fork();
	int status;

	assert(pid >= 0);
	if (pid == 0) {
		(void)setenv("BAILEY_INJECT", order, 1);
		_exit(-walk(n));
	}
	assert(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 1000 + WEXITSTATUS(status);
}

static void test_a_named_point_kills_at_its_nth_time(void)
{
	assert(ends_with("test.one", 1) == SIGKILL);
	assert(ends_with("test.two:3", 3) == SIGKILL);
	assert(ends_with("test.two:4", 3) == 1000);
	assert(ends_with("test.on", 1) == 1000);
}

static void test_an_attempt_fails_with_the_errno_named(void)
{
	assert(ends_with("test.try=ENOSPC", 1) == 1000 + ENOSPC);
	assert(ends_with("test.try:2=EIO", 1) == 1000);
	assert(ends_with("test.try:2=EIO", 2) == 1000 + EIO);
	assert(ends_with("test.one=EIO", 2) == 1000);
}

static void write_order(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void test_the_order_is_read_from_a_file_when_there_is_one(void)
{
	char path[128], order[160];

	(void)snprintf(path, sizeof(path), "%s/order", dir);
	(void)snprintf(order, sizeof(order), "@%s", path);
	assert(ends_with(order, 2) == 1000);
	write_order(path, "test.one:2\n");
	assert(ends_with(order, 1) == 1000);
	assert(ends_with(order, 2) == SIGKILL);
	assert(unlink(path) == 0);
}

static void test_each_point_reached_is_listed(void)
{
	char path[128], text[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/trace", dir);
	(void)setenv("BAILEY_INJECT_TRACE", path, 1);
	assert(ends_with("test.two:2", 9) == SIGKILL);
	f = fopen(path, "r");
	assert(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	assert(strcmp(text, "test.one\ntest.two\ntest.try\ntest.one\ntest.two\n") == 0);
	(void)fclose(f);
	assert(unlink(path) == 0);
}

int main(void)
{
	assert(mkdtemp(dir));
	(void)unsetenv("BAILEY_INJECT_TRACE");
	test_a_named_point_kills_at_its_nth_time();
	test_an_attempt_fails_with_the_errno_named();
	test_the_order_is_read_from_a_file_when_there_is_one();
	test_each_point_reached_is_listed();
	assert(rmdir(dir) == 0);
	return 0;
}

#else

/* Without it a point is nothing, and an attempt does not fail because of it. */
int main(void)
{
	(void)setenv("BAILEY_INJECT", "test.one", 1);
	inject_point("test.one");
	return inject_error("test.one");
}

#endif
