/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* Return: a descriptor, or a negative errno. */
static int open_file(const struct tail *t)
{
	struct stat st;
	auto_close int fd =
		openat(t->dirfd, t->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EINVAL;
}

/* In @buf, read from the file at @at: the offset behind the newline that ends the @lines-th line from the end, or -1. */
static off_t find_start(const char *buf, size_t n, off_t at, uint64_t *lines)
{
	size_t i;

	for (i = n; i > 0; i--) {
		if (buf[i - 1] == '\n' && (*lines)-- == 0)
			return at + (off_t)i;
	}
	return -1;
}

/* Search backwards for where the last @lines lines begin. */
static int seek_lines(struct tail *t, uint64_t lines)
{
	off_t end = lseek(t->fd, 0, SEEK_END), at = end, floor, found;
	char buf[4096];
	ssize_t n;

	if (end < 0)
		return -errno;
	t->at = end;
	if (lines == 0)
		return 0;
	/* The newline at the very end ends the last line; it begins none. */
	if (end > 0 && pread(t->fd, buf, 1, end - 1) == 1 && buf[0] == '\n')
		at--;
	floor = end > TAIL_SEARCH_MAX ? end - TAIL_SEARCH_MAX : 0;
	lines--;
	while (at > floor) {
		n = at - floor > (off_t)sizeof(buf) ? (ssize_t)sizeof(buf) : (ssize_t)(at - floor);
		at -= n;
		n = pread(t->fd, buf, (size_t)n, at);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		found = find_start(buf, (size_t)n, at, &lines);
		if (found >= 0) {
			t->at = found;
			return 0;
		}
	}
	t->at = floor;
	return 0;
}

int tail_open(struct tail *t, int dirfd, const char *name, uint64_t lines)
{
	int rc;

	*t = (struct tail){ .dirfd = dirfd, .name = name, .fd = -1 };
	rc = open_file(t);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	t->fd = rc;
	rc = seek_lines(t, lines);
	if (rc)
		tail_close(t);
	return rc;
}

void tail_close(struct tail *t)
{
	t->fd = fd_close(t->fd);
}

/* Has another file taken the name?  Then that one, from its start. */
static void follow_name(struct tail *t)
{
	struct stat now, ours;
	int fd;

	if (fstatat(t->dirfd, t->name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (t->fd >= 0 && fstat(t->fd, &ours) == 0 && now.st_ino == ours.st_ino &&
	    now.st_dev == ours.st_dev)
		return;
	fd = open_file(t);
	if (fd < 0)
		return;
	tail_close(t);
	t->fd = fd;
	t->at = 0;
}

ssize_t tail_read(struct tail *t, void *p, size_t n)
{
	struct stat st;
	ssize_t got = 0;

	if (t->fd >= 0) {
		if (fstat(t->fd, &st) == 0 && st.st_size < t->at)
			t->at = 0;
		got = pread(t->fd, p, n, t->at);
	}
	if (got == 0) {
		follow_name(t);
		got = t->fd >= 0 ? pread(t->fd, p, n, t->at) : 0;
	}
	if (got < 0)
		return -errno;
	t->at += got;
	return got;
}
