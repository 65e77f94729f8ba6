/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "loop/child.h"

enum {
	QEMU_IMG_MS = 10 * 60 * 1000,
	HEADER_SIZE = 32,
	SIZE_AT = 24, /* of qcow2: the size that the guest sees, big endian */
	GIB_SHIFT = 30,
};

static const char disk_name[] = "hda.img";

static int run_qemu_img(const char *path, uint32_t gib, const char *backing, struct err *e)
{
	auto_free char *size = xasprintf("%uG", gib);
	auto_free char *option =
		backing ? xasprintf("backing_file=%s,backing_fmt=qcow2", backing) : NULL;
	const char *const plain[] = { "qemu-img", "create", "-q", "-f", "qcow2", path, size, NULL };
	const char *const backed[] = { "qemu-img", "create", "-q", "-f", "qcow2",
				       "-o",	   option,   path, size, NULL };
	const struct child_options o = { .argv = option ? backed : plain,
					 .timeout_ms = QEMU_IMG_MS };
	auto_buf struct buf out = BUF_MAX(0);

	return child_must(&o, &out, e);
}

static int put(int dirfd, const char *aside, struct err *e)
{
	auto_close int fd = openat(dirfd, aside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	inject_point("disk.made");
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "cannot sync it");
	inject_point("disk.synced");
	if (renameat(dirfd, aside, dirfd, disk_name) < 0)
		return err_errno(e, errno, "cannot move hda.img in");
	inject_point("disk.renamed");
	return file_sync_dir(dirfd, ".", e);
}

/* Aside and renamed in: a disk that is there is a whole one. */
static int make(int dirfd, const char *dir, uint32_t gib, const char *backing, struct err *e)
{
	auto_free char *path = NULL;
	char aside[FILE_ASIDE_MAX];
	int rc = file_aside(disk_name, aside, e);

	if (rc)
		return rc;
	path = xasprintf("%s/%s", dir, aside);
	rc = run_qemu_img(path, gib, backing, e);
	if (!rc)
		rc = put(dirfd, aside, e);
	if (!rc)
		return 0;
	(void)unlinkat(dirfd, aside, 0); /* after the rename there is none */
	return err_wrap(e, rc, "cannot make the data disk");
}

/* What the guest sees of it.  Return: 0; -ENOENT; ERR_CORRUPT. */
static int read_size(int dirfd, uint64_t *ret, struct err *e)
{
	auto_close int fd = openat(dirfd, disk_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t h[HEADER_SIZE];
	ssize_t n;
	size_t i;

	if (fd < 0)
		return err_errno(e, errno, "cannot open the data disk");
	n = fd_read_full(fd, h, sizeof(h));
	if (n < 0)
		return err_errno(e, (int)-n, "cannot read the data disk");
	if (n < HEADER_SIZE || memcmp(h, "QFI\xfb", 4) != 0)
		return err_set(e, ERR_CORRUPT, "the data disk hda.img is not a qcow2 file");
	for (*ret = 0, i = SIZE_AT; i < HEADER_SIZE; i++)
		*ret = *ret << 8 | h[i];
	return 0;
}

int disk_grow(int dirfd, const char *dir, uint32_t gib, struct err *e)
{
	auto_free char *path = xasprintf("%s/%s", dir, disk_name);
	auto_free char *size = xasprintf("%uG", gib);
	const char *const argv[] = { "qemu-img", "resize", "-q", "-f", "qcow2", path, size, NULL };
	const struct child_options o = { .argv = argv, .timeout_ms = QEMU_IMG_MS };
	auto_buf struct buf out = BUF_MAX(0);
	struct err why = ERR_NONE;
	uint64_t now = 0;
	int rc = read_size(dirfd, &now, &why);

	if (rc == -ENOENT)
		return 0;
	if (rc)
		return err_set(e, rc, "Failed to resize disk: %s", why.text);
	if (now >= (uint64_t)gib << GIB_SHIFT)
		return 0;
	inject_point("disk.grow");
	rc = child_must(&o, &out, e);
	inject_point("disk.grown");
	return rc ? err_wrap(e, rc, "Failed to resize disk") : 0;
}

int disk_make(int dirfd, const char *dir, uint32_t gib, const char *backing, struct err *e)
{
	if (faccessat(dirfd, disk_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return disk_grow(dirfd, dir, gib, e);
	return make(dirfd, dir, gib, backing, e);
}
