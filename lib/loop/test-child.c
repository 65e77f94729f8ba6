/* SPDX-License-Identifier: Apache-2.0 */
/* What running other programs promises, with the programs of any system. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/time.h"
#include "loop/child.h"

static int run(const char *const *argv, struct child_result *ret, struct err *e)
{
	const struct child_options o = { .argv = argv };

	return child_run(&o, ret, e);
}

static int shell(const char *script, struct child_result *ret)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct err e = ERR_NONE;

	return run(argv, ret, &e);
}

static void result_deinit(struct child_result *r)
{
	buf_deinit(&r->out);
	buf_deinit(&r->err);
}

static void test_output_and_exit_code_come_back(void)
{
	struct child_result r;

	assert(shell("printf out; printf err >&2; exit 7", &r) == 0);
	assert(r.exit_code == 7 && r.signal == 0);
	assert(strcmp((char *)r.out.p, "out") == 0 && strcmp((char *)r.err.p, "err") == 0);
	result_deinit(&r);
	assert(shell("kill -TERM $$", &r) == 0);
	assert(r.exit_code == -1 && r.signal == SIGTERM);
	result_deinit(&r);
}

static void test_missing_program_is_named(void)
{
	const char *const argv[] = { "no-such-program-here", NULL };
	struct child_result r;
	struct err e = ERR_NONE;

	assert(run(argv, &r, &e) == ERR_MISSING && strstr(e.text, "no-such-program-here"));
}

static void test_environment_and_fds_are_only_what_is_given(void)
{
	static const char *const env[] = { "A=1", NULL };
	static const char *const argv[] = { "/usr/bin/env", NULL };
	struct child_options o = { .argv = argv, .env = env };
	struct child_result r;
	struct err e = ERR_NONE;
	int leak = open("/dev/null", O_RDONLY); /* without close-on-exec, on purpose */

	assert(setenv("SECRET", "x", 1) == 0);
	assert(child_run(&o, &r, &e) == 0 && strcmp((char *)r.out.p, "A=1\n") == 0);
	result_deinit(&r);
	o.env = NULL;
	assert(child_run(&o, &r, &e) == 0);
	assert(!strstr((char *)r.out.p, "SECRET") && strstr((char *)r.out.p, "LC_ALL=C.UTF-8\n"));
	result_deinit(&r);
	assert(shell("ls /proc/self/fd | sort -n | tail -1; pwd", &r) == 0);
	/* 0, 1, 2, and the one ls itself opens */
	assert(strcmp((char *)r.out.p, "3\n/\n") == 0);
	result_deinit(&r);
	(void)close(leak);
}

static void test_input_of_any_size_goes_through(void)
{
	static char text[300 * 1024];
	static const char *const argv[] = { "cat", NULL };
	struct child_options o = { .argv = argv, .input = text, .n_input = sizeof(text) };
	struct child_result r;
	struct err e = ERR_NONE;

	memset(text, 'i', sizeof(text));
	o.output_max = sizeof(text);
	assert(child_run(&o, &r, &e) == 0 && r.exit_code == 0);
	assert(r.out.n == sizeof(text) && memcmp(r.out.p, text, sizeof(text)) == 0);
	result_deinit(&r);
	/* a program that does not read its input is no failure of ours */
	static const char *const deaf[] = { "true", NULL };
	o.argv = deaf;
	assert(child_run(&o, &r, &e) == 0 && r.exit_code == 0);
	result_deinit(&r);
}

static void test_output_beyond_the_limit_is_dropped(void)
{
	static const char *const argv[] = { "head", "-c", "200000", "/dev/zero", NULL };
	struct child_options o = { .argv = argv, .output_max = 1000 };
	struct child_result r;
	struct err e = ERR_NONE;

	assert(child_run(&o, &r, &e) == 0 && r.exit_code == 0 && r.out.n == 1000);
	result_deinit(&r);
}

static void test_deadline_ends_the_whole_group(void)
{
	static const char *const argv[] = { "sh", "-c", "sleep 300 & echo $!; exec sleep 300",
					    NULL };
	struct child_options o = { .argv = argv, .timeout_ms = 300 };
	struct child_result r;
	struct err e = ERR_NONE;
	uint64_t begun = time_mono_ms();

	assert(child_run(&o, &r, &e) == -ETIMEDOUT && strstr(e.text, "300 ms"));
	assert(time_mono_ms() - begun < 60000);
}

static void test_grandchild_that_holds_the_pipe_is_not_waited_for(void)
{
	struct child_result r;
	uint64_t begun = time_mono_ms();
	int pid;

	assert(shell("sleep 100 & echo $!", &r) == 0 && r.exit_code == 0);
	assert(time_mono_ms() - begun < 60000);
	pid = (int)strtol((char *)r.out.p, NULL, 10);
	assert(pid > 1 && kill(pid, SIGKILL) == 0);
	result_deinit(&r);
}

static void test_must_says_the_last_line_of_stderr(void)
{
	static const char *const argv[] = { "sh", "-c",
					    "echo first >&2; printf 'l\\033ast\\n' >&2; exit 3",
					    NULL };
	static const char *const good[] = { "echo", "hi", NULL };
	struct child_options o = { .argv = argv };
	struct err e = ERR_NONE;
	struct buf out = BUF_MAX(0);

	assert(child_must(&o, &out, &e) == -EIO);
	assert(strcmp(e.text, "program 'sh' failed with 3: l\\x1bast") == 0);
	o.argv = good;
	assert(child_must(&o, &out, &e) == 0 && strcmp((char *)out.p, "hi\n") == 0);
	buf_deinit(&out);
	assert(child_must(&o, NULL, &e) == 0);
}

static char *slurp(int fd, char *to, size_t size)
{
	ssize_t n;

	assert(lseek(fd, 0, SEEK_SET) == 0);
	n = fd_read_full(fd, to, size - 1);
	assert(n >= 0);
	to[n] = 0;
	return to;
}

static void test_detached_has_its_own_session_and_fds(void)
{
	static const char *const argv[] = {
		"sh",
		"-c",
		"echo hello >&4; cat <&5 >&4; cat /proc/self/stat; ls /proc/self/fd | wc -l; echo "
		"end >&4",
		NULL,
	};
	char text[1024] = "";
	FILE *log = tmpfile(), *out = tmpfile();
	int pipe_fd[2];
	uint64_t begun = time_mono_ms();
	struct err e = ERR_NONE;
	int src[2], dst[2] = { 4, 5 };
	const char *at;
	pid_t pid;

	assert(log && out && pipe2(pipe_fd, O_CLOEXEC) == 0);
	src[0] = fileno(out);
	src[1] = pipe_fd[0];
	pid = child_detach(argv, fileno(log), src, dst, 2, &e);
	assert(pid > 0 && pid != getpid());
	assert(getpgid(pid) != getpgrp() && getsid(pid) != getsid(0));
	assert(write(pipe_fd[1], "through\n", 8) == 8);
	assert(close(pipe_fd[1]) == 0);
	while (!strstr(slurp(fileno(out), text, sizeof(text)), "end\n"))
		assert(time_mono_ms() - begun < 60000 && usleep(10000) == 0);
	assert(strcmp(text, "hello\nthrough\nend\n") == 0);
	/* "123 (cat) S 122 ...": cat's parent is the shell; ls sees 0 1 2 4 5 and its own */
	at = strstr(slurp(fileno(log), text, sizeof(text)), "(cat) ");
	assert(at && strtol(at + strlen("(cat) S "), NULL, 10) == pid && strstr(text, "\n6\n"));
	assert(fclose(log) == 0 && fclose(out) == 0 && close(pipe_fd[0]) == 0);
}

static void test_detach_reports_what_cannot_run(void)
{
	static const char *const argv[] = { "no-such-program-here", NULL };
	struct err e = ERR_NONE;

	assert(child_detach(argv, STDERR_FILENO, NULL, NULL, 0, &e) == ERR_MISSING);
}

int main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	assert(sigaction(SIGPIPE, &ignore, NULL) == 0);
	test_output_and_exit_code_come_back();
	test_missing_program_is_named();
	test_environment_and_fds_are_only_what_is_given();
	test_input_of_any_size_goes_through();
	test_output_beyond_the_limit_is_dropped();
	test_deadline_ends_the_whole_group();
	test_grandchild_that_holds_the_pipe_is_not_waited_for();
	test_must_says_the_last_line_of_stderr();
	test_detached_has_its_own_session_and_fds();
	test_detach_reports_what_cannot_run();
	return 0;
}
