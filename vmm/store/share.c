/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkfs.vfat makes the file system in a sparse file, mcopy puts the files in: neither mounts anything, so no
 * privilege is needed and no kernel parses what is in the folder.
 */
#include "store/share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/child.h"

enum { MCOPY_ARGS = 6 };

static void closedir_if(DIR *d)
{
	(void)closedir(d);
}

DEFINE_AUTO(DIR *, dir, closedir_if);

/* Paths of the files to put in. */
struct files {
	char *p[SHARE_FILES_MAX];
	size_t n;
	uint64_t bytes;
};

static void files_deinit(struct files *f)
{
	while (f->n > 0)
		free(f->p[--f->n]);
}

static int add_file(struct files *f, const char *folder, const char *name, uint64_t bytes,
		    struct err *e)
{
	f->bytes += bytes;
	if (f->n == SHARE_FILES_MAX || bytes > SHARE_BYTES_MAX || f->bytes > SHARE_BYTES_MAX) {
		return err_set(e, ERR_LIMIT,
			       "'%s' holds more than a share can: at most %d files and %d MiB",
			       folder, SHARE_FILES_MAX, SHARE_BYTES_MAX / (1024 * 1024));
	}
	f->p[f->n++] = xasprintf("%s/%s", folder, name);
	return 0;
}

static int list_files(const char *folder, struct files *f, struct err *e)
{
	__attribute__((cleanup(auto_dir_fn))) DIR *d = opendir(folder);
	const struct dirent *entry;
	struct stat st;
	int rc = 0;

	if (!d)
		return err_errno(e, errno, "cannot open '%s'", folder);
	while (rc == 0 && (entry = readdir(d))) {
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			rc = err_errno(e, errno, "cannot look at '%s/%s'", folder, entry->d_name);
		else if (S_ISREG(st.st_mode))
			rc = add_file(f, folder, entry->d_name, (uint64_t)st.st_size, e);
	}
	return rc;
}

static int format(const char *path, struct err *e)
{
	/* the superfloppy that dstack's own writer makes: FAT32 without partitions, a cluster per sector */
	const char *const argv[] = { "mkfs.vfat", "-F",	       "32", "-s", "1",
				     "-n",	  SHARE_LABEL, "--", path, NULL };
	const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", NULL };
	const struct child_options o = { .argv = argv, .env = env };

	return child_must(&o, NULL, e);
}

static int copy_in(const char *path, const struct files *f, struct err *e)
{
	const char *argv[MCOPY_ARGS + SHARE_FILES_MAX + 1] = { "mcopy", "-i", path, "--" };
	const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "MTOOLSRC=/dev/null",
				    "HOME=/nonexistent", NULL };
	const struct child_options o = { .argv = argv, .env = env };
	size_t n = 4, i;

	for (i = 0; i < f->n; i++)
		argv[n++] = f->p[i];
	argv[n] = "::/";
	return f->n ? child_must(&o, NULL, e) : 0;
}

/* An empty file of the right size.  Return: fd or negative. */
static int make_aside(const char *path, struct err *e)
{
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(e, errno, "cannot make '%s'", path);
	if (ftruncate(fd, SHARE_DISK_SIZE) != 0 || fchmod(fd, 0644) != 0) {
		(void)unlink(path);
		return err_errno(e, errno, "cannot prepare '%s'", path);
	}
	return steal_fd(&fd);
}

static int fill(int fd, const char *path, const char *disk, const struct files *f, struct err *e)
{
	int rc = format(path, e);

	inject_point("share.formatted");
	if (rc == 0)
		rc = copy_in(path, f, e);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_errno(e, errno, "cannot write '%s'", path);
	inject_point("share.filled");
	if (rc == 0 && rename(path, disk) != 0)
		rc = err_errno(e, errno, "cannot put '%s' in place", disk);
	inject_point("share.renamed");
	return rc;
}

int share_build(const char *folder, const char *disk, struct err *e)
{
	struct files f __attribute__((cleanup(files_deinit))) = { .n = 0 };
	auto_free char *for_dir = xstrdup(disk), *for_base = xstrdup(disk), *path = NULL;
	char aside[FILE_ASIDE_MAX];
	auto_close int fd = -1;
	const char *dir;
	int rc;

	rc = list_files(folder, &f, e);
	if (rc < 0)
		return rc;
	dir = dirname(for_dir);
	rc = file_aside(basename(for_base), aside, e);
	if (rc < 0)
		return rc;
	path = xasprintf("%s/%s", dir, aside);
	fd = make_aside(path, e);
	if (fd < 0)
		return fd;
	inject_point("share.aside-made");
	rc = fill(fd, path, disk, &f, e);
	if (rc < 0) {
		(void)unlink(path);
		return err_wrap(e, rc, "making the share '%s'", disk);
	}
	return file_sync_dir(AT_FDCWD, dir, e);
}
