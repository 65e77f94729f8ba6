/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "daemon/log_files.h"
#include "daemon/tail.h"
#include "store/rmtree.h"

static char scratch[] = "/tmp/test-tail-XXXXXX";
static int dir = -1;

static void append(const char *name, const char *text)
{
	auto_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert(fd >= 0 && !fd_write_all(fd, text, strlen(text)));
}

static void expect(struct tail *t, const char *want)
{
	static char buf[65536];
	size_t n = 0;
	ssize_t got;

	while ((got = tail_read(t, buf + n, 7)) > 0) /* small reads: the seams are tested too */
		n += (size_t)got;
	assert(got == 0);
	if (n != strlen(want) || memcmp(buf, want, n) != 0)
		(void)fprintf(stderr, "got \"%.*s\", want \"%s\"\n", (int)n, buf, want);
	assert(n == strlen(want) && memcmp(buf, want, n) == 0);
}

static void expect_lines(const char *name, uint64_t lines, const char *want)
{
	struct tail t;

	assert(!tail_open(&t, dir, name, lines));
	expect(&t, want);
	tail_close(&t);
}

static void test_the_last_lines(void)
{
	append("a", "one\ntwo\nthree\n");
	expect_lines("a", 0, "");
	expect_lines("a", 1, "three\n");
	expect_lines("a", 2, "two\nthree\n");
	expect_lines("a", 3, "one\ntwo\nthree\n");
	expect_lines("a", UINT64_MAX, "one\ntwo\nthree\n");
	append("a", "torn");
	expect_lines("a", 1, "torn");
	expect_lines("a", 2, "three\ntorn");
	expect_lines("not-there", 5, "");
}

static void test_lines_longer_than_a_read(void)
{
	auto_free char *text = xcalloc(1, 20002);

	memset(text, 'x', 20000);
	text[20000] = '\n';
	append("long", "first\n");
	append("long", text);
	expect_lines("long", 1, text);
	append("long", "last\n");
	expect_lines("long", 1, "last\n");
}

static void test_what_is_added_cut_and_replaced(void)
{
	struct tail t;

	assert(!tail_open(&t, dir, "f", 10));
	expect(&t, "");
	append("f", "begun later\n");
	expect(&t, "begun later\n");
	append("f", "more\n");
	expect(&t, "more\n");
	assert(!truncate("f", 0));
	append("f", "after\n");
	expect(&t, "after\n");
	assert(!renameat(dir, "f", dir, "f.1"));
	append("f.1", "rest of the old\n");
	append("f", "new file\n");
	expect(&t, "rest of the old\nnew file\n");
	tail_close(&t);
}

static void test_only_regular_files(void)
{
	struct tail t;

	assert(!symlinkat("/etc/passwd", dir, "link") && !mkfifoat(dir, "fifo", 0600));
	assert(tail_open(&t, dir, "link", 1) < 0);
	assert(tail_open(&t, dir, "fifo", 1) < 0);
}

static bool has(const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static void test_logs_begin_anew_at_each_boot(void)
{
	int i;

	for (i = 0; i < 6; i++) {
		assert(!log_files_begin(dir, (gid_t)-1, NULL));
		append("serial.log", "boot\n");
	}
	assert(has("serial.log.1") && has("serial.log.3") && !has("serial.log.4"));
}

static void test_a_flooded_log_is_cut(void)
{
	auto_free char *text = xcalloc(1, LOG_FILE_MAX);
	struct stat st;

	assert(!log_files_trim(dir, NULL) && !fstatat(dir, "serial.log", &st, 0) &&
	       st.st_size < 1000);
	memset(text, 'y', LOG_FILE_MAX - 1);
	append("serial.log", text);
	append("serial.log", text);
	append("serial.log", text);
	assert(!log_files_trim(dir, NULL));
	assert(!fstatat(dir, "serial.log", &st, 0) && st.st_size > 0 && st.st_size < 1000);
	assert(!fstatat(dir, "serial.log.1", &st, 0) && st.st_size == LOG_FILE_MAX);
}

int main(void)
{
	int tmp;

	assert(mkdtemp(scratch) && !chdir(scratch));
	dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	test_the_last_lines();
	test_lines_longer_than_a_read();
	test_what_is_added_cut_and_replaced();
	test_only_regular_files();
	test_logs_begin_anew_at_each_boot();
	test_a_flooded_log_is_cut();
	assert(!chdir("/tmp"));
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(!rmtree(tmp, scratch + 5, NULL, NULL));
	(void)close(tmp);
	(void)close(dir);
	return 0;
}
