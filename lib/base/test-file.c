/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static int dir = -1;
static char path[] = "/tmp/test-file-XXXXXX";

static void test_replace_then_read_gives_the_same_bytes(void)
{
	struct err e = ERR_NONE;
	struct buf b = { 0 };
	struct stat st;

	assert(file_replace(dir, "a", 0600, "one", 3, &e) == 0);
	assert(file_replace(dir, "a", 0640, "second", 6, &e) == 0);
	assert(file_read(dir, "a", 6, &b, &e) == 0);
	assert(b.n == 6 && memcmp(b.p, "second", 7) == 0);
	assert(fstatat(dir, "a", &st, 0) == 0 && (st.st_mode & 0777) == 0640);
	buf_deinit(&b);
}

static void test_replace_replaces_a_symlink_and_not_its_target(void)
{
	struct err e = ERR_NONE;
	struct stat st;

	assert(file_replace(dir, "target", 0600, "keep", 4, &e) == 0);
	assert(symlinkat("target", dir, "link") == 0);
	assert(file_replace(dir, "link", 0600, "new", 3, &e) == 0);
	assert(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode));
	assert(fstatat(dir, "target", &st, 0) == 0 && st.st_size == 4);
}

static void test_a_failed_replace_leaves_the_old_and_nothing_else(void)
{
	struct err e = ERR_NONE;

	assert(mkdirat(dir, "alone", 0700) == 0 && mkdirat(dir, "alone/taken", 0700) == 0);
	assert(file_replace(dir, "alone/taken", 0600, "x", 1, &e) == -EISDIR);
	assert(strstr(e.text, "cannot write 'alone/taken'"));
	assert(file_replace(dir, "none/x", 0600, "x", 1, &e) == -ENOENT);
	/* both are empty, or they could not go */
	assert(unlinkat(dir, "alone/taken", AT_REMOVEDIR) == 0);
	assert(unlinkat(dir, "alone", AT_REMOVEDIR) == 0);
}

static void test_read_refuses_what_is_not_a_small_regular_file(void)
{
	struct err e = ERR_NONE;
	struct buf b = { 0 };

	assert(symlinkat("/etc/passwd", dir, "s") == 0);
	assert(file_read(dir, "s", 1 << 20, &b, &e) == -ELOOP && strstr(e.text, "symbolic link"));
	assert(mkfifoat(dir, "f", 0600) == 0);
	assert(file_read(dir, "f", 10, &b, &e) == -EINVAL && strstr(e.text, "not a regular file"));
	assert(mkdirat(dir, "d", 0700) == 0);
	assert(file_read(dir, "d", 10, &b, &e) == -EINVAL);
	assert(file_replace(dir, "big", 0600, "0123456789", 10, &e) == 0);
	assert(file_read(dir, "big", 9, &b, &e) == -EFBIG && strstr(e.text, "at most 9"));
	assert(file_read(dir, "none", 9, &b, &e) == -ENOENT);
	assert(!b.p);
}

static void test_read_counts_what_stat_does_not_know(void)
{
	struct err e = ERR_NONE;
	struct buf b = { 0 };

	/* files of /proc say 0 bytes and hold some */
	assert(file_read(AT_FDCWD, "/proc/self/status", 16, &b, &e) == -EFBIG);
	assert(file_read(AT_FDCWD, "/proc/self/status", 1 << 16, &b, &e) == 0 && b.n > 16);
	buf_deinit(&b);
}

static void test_sweep_takes_only_our_leftovers(void)
{
	static const char left[] = ".a.tmp-0123456789abcdef";
	static const char *const kept[] = { "a.tmp-0123456789abcdef", ".a.tmp-0123456789abcdeg",
					    "a" };
	struct err e = ERR_NONE;
	size_t i;

	assert(file_replace(dir, left, 0600, "", 0, &e) == 0);
	for (i = 0; i < 3; i++)
		assert(file_replace(dir, kept[i], 0600, "", 0, &e) == 0);
	assert(file_sweep(dir, &e) == 0);
	assert(faccessat(dir, left, F_OK, 0) < 0);
	for (i = 0; i < 3; i++)
		assert(faccessat(dir, kept[i], F_OK, 0) == 0);
}

static void test_mkdir_all_is_content_with_what_is_there(void)
{
	struct err e = ERR_NONE;
	char deep[64];

	(void)snprintf(deep, sizeof(deep), "%s/x/y/z", path);
	assert(file_mkdir_all(deep, 0700, &e) == 0 && file_mkdir_all(deep, 0700, &e) == 0);
	(void)snprintf(deep, sizeof(deep), "%s/a/y", path);
	assert(file_mkdir_all(deep, 0700, &e) == -ENOTDIR);
}

int main(void)
{
	assert(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir >= 0);
	test_replace_then_read_gives_the_same_bytes();
	test_replace_replaces_a_symlink_and_not_its_target();
	test_a_failed_replace_leaves_the_old_and_nothing_else();
	test_read_refuses_what_is_not_a_small_regular_file();
	test_read_counts_what_stat_does_not_know();
	test_sweep_takes_only_our_leftovers();
	test_mkdir_all_is_content_with_what_is_there();
	(void)close(dir);
	execlp("rm", "rm", "-rf", path, (char *)NULL);
	return 1;
}
