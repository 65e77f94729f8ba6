/* SPDX-License-Identifier: Apache-2.0 */
/* Archives are made by tar(1), so that it is another's idea of the format that is read. */
#include "store/image_unpack.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/child.h"
#include "store/rmtree.h"

static char dir[] = "/tmp/test-image_unpack-XXXXXX";

static void run(const char *const *argv)
{
	const struct child_options o = { .argv = argv, .cwd = dir };

	assert(child_must(&o, NULL, NULL) == 0);
}

static void put(const char *name, size_t n)
{
	auto_free char *path = xasprintf("%s/in/%s", dir, name);
	auto_free char *text = xcalloc(1, n + 1);

	memset(text, 'x', n);
	assert(file_replace(AT_FDCWD, path, 0600, text, n, NULL) == 0);
}

static int unpack(const char *tar, uint64_t most, size_t n_before, struct err *e)
{
	auto_free char *path = xasprintf("%s/%s", dir, tar), *out = xasprintf("%s/out", dir);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_close int at = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct image_unpack u = { .dirfd = at, .bytes_left = most, .n_files = n_before };

	assert(fd >= 0 && at >= 0);
	return image_unpack(&u, fd, e);
}

static off_t size_of(const char *name)
{
	auto_free char *path = xasprintf("%s/out/%s", dir, name);
	struct stat st;

	if (lstat(path, &st) != 0)
		return -1;
	assert(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0644);
	return st.st_size;
}

static void test_plain_files(void)
{
	static const char *const formats[] = { "--format=ustar", "--format=pax", "--format=gnu" };
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		run((const char *const[]){ "tar", formats[i], "-C", "in", "-cf", "t", ".", NULL });
		assert(unpack("t", 1 << 20, 0, NULL) == 0);
		assert(size_of("a") == 3 && size_of("big") == 300000 && size_of("none") == 0);
	}
}

static void test_limits(void)
{
	struct err e = ERR_NONE;

	assert(unpack("t", 300002, 0, &e) == ERR_LIMIT && strstr(e.text, "larger"));
	assert(unpack("t", 1 << 20, IMAGE_UNPACK_FILES_MAX - 2, &e) == ERR_LIMIT &&
	       strstr(e.text, "files"));
}

static void test_links_and_folders_are_refused(void)
{
	auto_free char *link = xasprintf("%s/in/link", dir);
	struct err e = ERR_NONE;

	assert(symlink("/etc", link) == 0);
	run((const char *const[]){ "tar", "-C", "in", "-cf", "l", "link", NULL });
	assert(unpack("l", 1 << 20, 0, &e) == ERR_INPUT && strstr(e.text, "link"));
	assert(unlink(link) == 0 && size_of("link") == -1);
	run((const char *const[]){ "tar", "-cf", "f", "in/a", NULL });
	assert(unpack("f", 1 << 20, 0, &e) == ERR_INPUT && strstr(e.text, "folder"));
	run((const char *const[]){ "tar", "-C", "in", "-cPf", "p", "../in/a", NULL });
	assert(unpack("p", 1 << 20, 0, &e) == ERR_INPUT);
}

static void test_a_link_in_the_way_is_not_followed(void)
{
	auto_free char *way = xasprintf("%s/out/a", dir), *victim = xasprintf("%s/in/none", dir);
	struct stat st;

	assert(unlink(way) == 0 && symlink(victim, way) == 0);
	assert(unpack("t", 1 << 20, 0, NULL) == 0 && size_of("a") == 3);
	assert(stat(victim, &st) == 0 && st.st_size == 0);
}

static void test_cut_short(void)
{
	auto_free char *path = xasprintf("%s/t", dir);
	struct err e = ERR_NONE;
	off_t n;

	for (n = 10000; n >= 0; n -= 1250) {
		assert(truncate(path, n) == 0);
		assert(unpack("t", 1 << 20, 0, &e) == ERR_PROTO);
	}
}

int main(void)
{
	assert(mkdtemp(dir));
	run((const char *const[]){ "mkdir", "in", "out", NULL });
	put("a", 3);
	put("big", 300000);
	put("none", 0);
	test_plain_files();
	test_limits();
	test_links_and_folders_are_refused();
	test_a_link_in_the_way_is_not_followed();
	test_cut_short();
	assert(rmtree(AT_FDCWD, dir, NULL, NULL) == 0);
	return 0;
}
