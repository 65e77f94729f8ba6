/* SPDX-License-Identifier: Apache-2.0 */
/* share: built with the tools that it runs, read back with mtools and blkid */
#include "store/share.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/child.h"

static char dir[] = "/tmp/test-share-XXXXXX";
static char *folder, *disk;

static void put(const char *name, const void *p, size_t n)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);

	assert(file_replace(AT_FDCWD, path, 0600, p, n, NULL) == 0);
}

/* What a tool says. */
static struct buf said(const char *const *argv)
{
	const struct child_options o = { .argv = argv, .output_max = 1024 * 1024 };
	struct buf out = BUF_MAX(0);
	struct err e = ERR_NONE;

	if (child_must(&o, &out, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		abort();
	}
	return out;
}

static void holds(const char *name, const void *p, size_t n)
{
	auto_free char *path = xasprintf("::/%s", name);
	const char *const argv[] = { "mtype", "-i", disk, path, NULL };
	auto_buf struct buf out = said(argv);

	assert(out.n == n && (n == 0 || memcmp(out.p, p, n) == 0));
}

static size_t n_files(void)
{
	const char *const argv[] = { "mdir", "-b", "-i", disk, "::/", NULL };
	auto_buf struct buf out = said(argv);
	size_t n = 0, i;

	for (i = 0; i < out.n; i++)
		n += out.p[i] == '\n';
	return n;
}

static void test_files_arrive_with_their_names(void)
{
	auto_free char *big = xcalloc(1, 300000);
	struct stat st;
	uint64_t before;

	memset(big, 'x', 300000);
	put("app-compose.json", "{\"a\": 1}\n", 9);
	put(".sys-config.json", "{}", 2);
	put(".instance_info", "{\"app_id\":\"\"}", 13);
	put(".user-config", big, 300000);
	put("empty", "", 0);
	before = time_mono_ms();
	assert(share_build(folder, disk, NULL) == 0);
	(void)printf("built in %llu ms\n", (unsigned long long)(time_mono_ms() - before));
	assert(n_files() == 5);
	holds("app-compose.json", "{\"a\": 1}\n", 9);
	holds(".sys-config.json", "{}", 2);
	holds(".instance_info", "{\"app_id\":\"\"}", 13);
	holds(".user-config", big, 300000);
	holds("empty", "", 0);
	assert(stat(disk, &st) == 0 && st.st_size == SHARE_DISK_SIZE &&
	       (st.st_mode & 07777) == 0644);
	assert(st.st_blocks * 512 < 16 * 1024 * 1024); /* sparse */
}

/* At the offsets where every reader of FAT32 looks. */
static void test_it_is_a_labelled_superfloppy(void)
{
	unsigned char boot[512];
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	assert(fd >= 0 && read(fd, boot, sizeof(boot)) == (ssize_t)sizeof(boot) && close(fd) == 0);
	assert(boot[510] == 0x55 && boot[511] == 0xaa);
	assert(boot[13] == 1 && boot[11] == 0 && boot[12] == 2); /* a sector of 512 per cluster */
	assert(memcmp(boot + 71, "DSTACKSHR  ", 11) == 0 && memcmp(boot + 82, "FAT32   ", 8) == 0);
}

static void test_only_regular_files_are_taken(void)
{
	auto_free char *link = xasprintf("%s/link", folder), *sub = xasprintf("%s/sub", folder),
		       *fifo = xasprintf("%s/fifo", folder);

	assert(symlink("/etc/passwd", link) == 0 && mkdir(sub, 0700) == 0 &&
	       mkfifo(fifo, 0600) == 0);
	assert(share_build(folder, disk, NULL) == 0);
	assert(n_files() == 5);
	assert(unlink(link) == 0 && rmdir(sub) == 0 && unlink(fifo) == 0);
}

static void test_a_rebuild_replaces(void)
{
	auto_free char *empty = xasprintf("%s/empty", folder);

	put("app-compose.json", "new", 3);
	assert(unlink(empty) == 0);
	assert(share_build(folder, disk, NULL) == 0);
	holds("app-compose.json", "new", 3);
	assert(n_files() == 4);
}

static void test_what_does_not_fit_is_refused_and_leaves_the_old(void)
{
	auto_free char *path = xasprintf("%s/huge", folder);
	struct err e = ERR_NONE;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert(fd >= 0 && ftruncate(fd, SHARE_BYTES_MAX) == 0 && close(fd) == 0);
	assert(share_build(folder, disk, &e) == ERR_LIMIT);
	assert(strstr(e.text, "112 MiB"));
	assert(unlink(path) == 0);
	holds("app-compose.json", "new", 3);
}

static void test_a_missing_folder_is_refused(void)
{
	struct err e = ERR_NONE;

	assert(share_build("/nonexistent", disk, &e) < 0 && strstr(e.text, "/nonexistent"));
	assert(share_build(folder, "/nonexistent/x", &e) < 0 && strstr(e.text, "/nonexistent"));
}

static void test_nothing_is_left_aside(void)
{
	const char *const argv[] = { "ls", "-A", dir, NULL };
	auto_buf struct buf out = said(argv);

	assert(str_equal((const char *)out.p, "shared\nshared.img\n"));
}

static void test_an_empty_folder_is_an_empty_disk(void)
{
	const char *const argv[] = { "mdir", "-i", disk, "::/", NULL };
	struct buf out;

	folder[strlen(folder) - strlen("/shared")] = 0;
	assert(chdir(folder) == 0 && mkdir("none", 0700) == 0);
	assert(share_build("none", disk, NULL) == 0);
	out = said(argv);
	assert(strstr((const char *)out.p, "DSTACKSHR"));
	buf_deinit(&out);
}

int main(void)
{
	const char *const rm[] = { "rm", "-rf", dir, NULL };
	struct buf out;

	assert(mkdtemp(dir));
	folder = xasprintf("%s/shared", dir);
	disk = xasprintf("%s/shared.img", dir);
	assert(mkdir(folder, 0700) == 0);
	test_files_arrive_with_their_names();
	test_it_is_a_labelled_superfloppy();
	test_only_regular_files_are_taken();
	test_a_rebuild_replaces();
	test_what_does_not_fit_is_refused_and_leaves_the_old();
	test_a_missing_folder_is_refused();
	test_nothing_is_left_aside();
	test_an_empty_folder_is_an_empty_disk();
	out = said(rm);
	buf_deinit(&out);
	free(folder);
	free(disk);
	return 0;
}
