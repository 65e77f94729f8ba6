/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-tsm_report: a directory that behaves as the kernel's does, and as it should not
 *
 * What the kernel does when inblob is written happens here inside of the write.
 */
#undef NDEBUG
#include "tee/tsm_report.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { QUOTE_SIZE = 4000 };

static char dir[] = "/tmp/bailey-tsm-XXXXXX";
static int dir_fd;

/* The kernel: what it does with a write, and what others do at the same time. */
static struct {
	unsigned int generation, n_writes, n_busy, step;
	size_t n_quote;
	bool is_deaf;	    /* counts nothing */
	unsigned int n_mix; /* so many reports are mixed up with another's */
} kernel;

static void put(const char *name, const void *p, size_t n)
{
	assert(file_replace(dir_fd, name, 0600, p, n, NULL) == 0);
}

static void put_generation(void)
{
	char text[32];

	put("generation", text, (size_t)str_format(text, sizeof(text), "%u\n", kernel.generation));
}

static ssize_t kernel_write(int fd, const void *p, size_t n)
{
	auto_free uint8_t *quote = xcalloc(1, kernel.n_quote + 1);

	assert(n == TSM_REPORT_DATA_SIZE && lseek(fd, 0, SEEK_CUR) == 0);
	kernel.n_writes++;
	if (kernel.n_busy > 0) {
		kernel.n_busy--;
		errno = EBUSY;
		return -1;
	}
	if (kernel.is_deaf)
		return (ssize_t)n;
	memset(quote, 7, kernel.n_quote);
	if (kernel.n_quote >= n)
		memcpy(quote, p, n);
	put("outblob", quote, kernel.n_quote);
	kernel.generation += kernel.step;
	if (kernel.n_mix > 0) {
		kernel.n_mix--;
		kernel.generation++;
	}
	put_generation();
	return (ssize_t)n;
}

static void reset(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.generation = 41;
	kernel.step = 1;
	kernel.n_quote = QUOTE_SIZE;
	put("inblob", "", 0);
	put("outblob", "", 0);
	put("provider", "tdx_guest\n", 10);
	put_generation();
}

static int ask(struct buf *ret, struct err *e)
{
	static const uint8_t data[TSM_REPORT_DATA_SIZE] = { 1, 2, 3 };
	const struct tsm_report t = { .dir = dir,
				      .provider = "tdx_guest",
				      .lock_ms = 50,
				      .busy_ms = 1,
				      .generation_ms = 50,
				      .write = kernel_write };

	return tsm_report_quote(&t, data, ret, e);
}

static void refused(int code, const char *why)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);
	struct err e = ERR_NONE;
	int r = ask(&b, &e);

	if (r != code || !strstr(e.text, why))
		(void)fprintf(stderr, "%d %s\n", r, e.text);
	assert(r == code && strstr(e.text, why) && b.n == 0);
}

static void accepted(unsigned int n_writes)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);

	assert(ask(&b, NULL) == 0 && b.n == kernel.n_quote && b.p[0] == 1 && b.p[3] == 0);
	assert(kernel.n_writes == n_writes);
}

static void test_a_quote_is_had(void)
{
	reset();
	accepted(1);
	accepted(2);
	kernel.generation = 0; /* as on a fresh machine */
	put_generation();
	accepted(3);
}

static void test_busy_is_tried_again(void)
{
	reset();
	kernel.n_busy = 2;
	accepted(3);
	reset();
	kernel.n_busy = 3;
	refused(-EBUSY, "busy");
}

static void test_anothers_report_is_never_taken(void)
{
	reset();
	kernel.n_mix = 2;
	accepted(3);
	reset();
	kernel.n_mix = 3;
	refused(-EBUSY, "others write");
}

static void test_what_does_not_count_is_an_error(void)
{
	reset();
	kernel.is_deaf = true;
	refused(-ETIMEDOUT, "not begun");
	reset();
	put("generation", "many\n", 5);
	refused(ERR_PROTO, "not a number");
	reset();
	put("generation", "", 0);
	refused(ERR_PROTO, "not a number");
}

static void test_other_providers_are_refused(void)
{
	reset();
	put("provider", "sev_guest\n", 10);
	refused(ERR_MISSING, "sev_guest");
	put("provider", "\x1b[31m", 5);
	refused(ERR_MISSING, "\\x1b");
	put("provider", "tdx_guest-next", 14);
	accepted(1);
}

static void test_sizes_of_a_quote(void)
{
	static const size_t bad[] = { 0, 1, TSM_REPORT_MIN, TSM_REPORT_MAX, 3 * TSM_REPORT_MAX };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reset();
		kernel.n_quote = bad[i];
		refused(ERR_PROTO, "outblob");
	}
	reset();
	kernel.n_quote = TSM_REPORT_MIN + 1;
	accepted(1);
	kernel.n_quote = TSM_REPORT_MAX - 1;
	accepted(2);
}

/* Another process that holds the lock keeps us out, and its end lets us in. */
static void test_one_at_a_time_in_the_machine(void)
{
	int ready[2], fd;
	char byte;
	pid_t pid;

	reset();
	assert(pipe(ready) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		fd = openat(dir_fd, "inblob", O_WRONLY);
		_exit(flock(fd, LOCK_EX) || write(ready[1], "x", 1) != 1 || pause());
	}
	assert(read(ready[0], &byte, 1) == 1);
	refused(-ETIMEDOUT, "others have been making reports");
	assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	accepted(1);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void test_missing_files_are_named(void)
{
	static const char *const names[] = { "provider", "inblob", "generation" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		reset();
		assert(unlinkat(dir_fd, names[i], 0) == 0);
		refused(-ENOENT, names[i]);
	}
}

static void clean(void)
{
	static const char *const names[] = { "provider", "inblob", "generation", "outblob" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dir_fd, names[i], 0);
	(void)close(dir_fd);
	assert(rmdir(dir) == 0);
}

int main(void)
{
	assert(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir_fd >= 0);
	test_a_quote_is_had();
	test_busy_is_tried_again();
	test_anothers_report_is_never_taken();
	test_what_does_not_count_is_an_error();
	test_other_providers_are_refused();
	test_sizes_of_a_quote();
	test_one_at_a_time_in_the_machine();
	test_missing_files_are_named();
	clean();
	return 0;
}
