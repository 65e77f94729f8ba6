/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "loop/child_talk.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/err.h"
#include "base/time.h"

enum { LONG_MS = 60 * 1000 };

static struct child_talk begin(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct child_talk t;

	assert(child_talk_begin(argv, &t, NULL) == 0);
	return t;
}

static uint64_t later(void)
{
	return time_mono_ms() + LONG_MS;
}

static void test_it_answers_and_is_ended(void)
{
	struct child_talk t = begin("while read x; do echo \"heard $x\"; done");
	char said[64], got[64];
	pid_t pid = t.pid;
	ssize_t n = 0, k;

	assert(child_talk_write(&t, "you\n", 4, later()) == 0);
	while (n < 10) {
		k = child_talk_read(&t, got + n, sizeof(got) - (size_t)n, later());
		assert(k > 0);
		n += k;
	}
	assert(n == 10 && memcmp(got, "heard you\n", 10) == 0);
	child_talk_end(&t, said, sizeof(said));
	assert(said[0] == 0 && t.pid == 0 && t.fd == -1);
	assert(kill(pid, 0) < 0 && errno == ESRCH);
	child_talk_end(&t, said, sizeof(said)); /* again is nothing */
}

static void test_an_end_of_its_own_is_seen_with_its_last_words(void)
{
	struct child_talk t = begin("echo one >&2; printf 'two\\033\\n' >&2");
	char said[64], got[8];

	assert(child_talk_read(&t, got, sizeof(got), later()) == 0);
	child_talk_end(&t, said, sizeof(said));
	assert(strncmp(said, "two", 3) == 0 && !strchr(said, 27));
}

static void test_silence_ends_at_the_deadline(void)
{
	struct child_talk t = begin("exec sleep 1000");
	static const char much[1 << 20];
	char got[8];

	assert(child_talk_read(&t, got, sizeof(got), time_mono_ms() + 50) == -ETIMEDOUT);
	assert(child_talk_write(&t, much, sizeof(much), time_mono_ms() + 50) == -ETIMEDOUT);
	child_talk_end(&t, NULL, 0);
	assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void test_writing_to_one_that_is_gone(void)
{
	struct child_talk t = begin("exit 0");
	char got[8];

	assert(child_talk_read(&t, got, sizeof(got), later()) == 0);
	assert(child_talk_write(&t, "x", 1, later()) == -EPIPE);
	child_talk_end(&t, NULL, 0);
}

static void test_no_such_program(void)
{
	const char *const argv[] = { "/nonexistent/program", NULL };
	struct child_talk t;
	struct err e;

	assert(child_talk_begin(argv, &t, &e) == ERR_MISSING);
	assert(strstr(e.text, "/nonexistent/program"));
}

int main(void)
{
	test_it_answers_and_is_ended();
	test_an_end_of_its_own_is_seen_with_its_last_words();
	test_silence_ends_at_the_deadline();
	test_writing_to_one_that_is_gone();
	test_no_such_program();
	return 0;
}
