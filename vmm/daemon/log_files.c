/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory: QEMU and the vsock process append to a file that they never reopen.  To copy the file and cut
 * it to nothing, as log rotation does elsewhere, loses what is written in between.  Here the front of the
 * live file is copied to <name>.1, the index is told that this part is there, and then a hole is punched
 * where it was: its blocks are free, and every byte that comes meanwhile stays at its place behind it.  So the
 * offset of a byte never changes while it lives, which is what readers count by.  The file looks large
 * and takes little; the next boot begins a new one.
 *
 * A crash between two steps leaves names that are not yet where the index has them: settle() goes by inode
 * and may be run any number of times.  Where a file system has no holes, we must cut and say so in the log.
 */
#include "daemon/log_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/inject.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/log_index.h"

static const char *const names[] = { "serial.log", "vsock.log" };

/* One log while its lock is held. */
struct turn {
	int dirfd;
	const char *name;
	int index; /* owned */
	struct log_index x;
};

static uint64_t inode_of(int dirfd, const char *name, uint64_t *ret_size)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	*ret_size = (uint64_t)st.st_size;
	return st.st_ino;
}

/* Find the file of part @i, wherever a crash left it, and give it its name. */
static void settle_part(const struct turn *t, size_t i, const char *const from[], size_t n_from)
{
	char want[LOG_NAME_MAX + 16];
	uint64_t size;
	size_t k;

	log_index_part_name(want, t->name, i);
	if (inode_of(t->dirfd, want, &size) == t->x.kept[i].inode)
		return;
	for (k = 0; k < n_from; k++) {
		if (inode_of(t->dirfd, from[k], &size) == t->x.kept[i].inode) {
			(void)renameat(t->dirfd, from[k], t->dirfd, want); /* next time, then */
			inject_point("logs.moved");
			return;
		}
	}
}

/* Bring the names to what the index says; what it does not know of ours goes. */
static void settle(const struct turn *t)
{
	char parts[LOG_KEPT_MAX][LOG_NAME_MAX + 16], aside[LOG_NAME_MAX + 16];
	const char *from[LOG_KEPT_MAX + 2];
	size_t i;

	log_index_name(aside, t->name, ".new");
	for (i = 0; i < LOG_KEPT_MAX; i++) {
		log_index_part_name(parts[i], t->name, i);
		from[i] = parts[i];
	}
	from[LOG_KEPT_MAX] = aside;
	from[LOG_KEPT_MAX + 1] = t->name;
	for (i = t->x.n; i > 0; i--) /* the oldest first: each leaves its name to the next */
		settle_part(t, i - 1, from, LOG_KEPT_MAX + 2);
	(void)unlinkat(t->dirfd, aside, 0);
	for (i = t->x.n; i < LOG_KEPT_MAX; i++)
		(void)unlinkat(t->dirfd, parts[i], 0);
}

/* The live file, or -1: there is none. */
static int open_live(const struct turn *t, struct stat *ret)
{
	auto_close int fd =
		openat(t->dirfd, t->name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret) < 0 || !S_ISREG(ret->st_mode))
		return -1;
	return steal_fd(&fd);
}

static int begin_turn(struct turn *t, int dirfd, const char *name, struct err *e)
{
	*t = (struct turn){ .dirfd = dirfd, .name = name, .index = -1 };
	t->index = log_index_lock(dirfd, name, e);
	if (t->index < 0)
		return t->index;
	log_index_load(t->index, dirfd, name, &t->x);
	if (t->x.seq > 0)
		settle(t);
	return 0;
}

static void end_turn(struct turn *t)
{
	t->index = fd_close(t->index);
}

#define auto_turn __attribute__((cleanup(end_turn)))

/* Copy the bytes [@at, @end) of @from to a new file.  Return: its inode, or 0. */
static uint64_t copy_aside(const struct turn *t, int from, off_t at, off_t end)
{
	char aside[LOG_NAME_MAX + 16];
	auto_close int to = -1;
	struct stat st;

	log_index_name(aside, t->name, ".new");
	(void)unlinkat(t->dirfd, aside, 0); /* of a crash before there was an index */
	to = openat(t->dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0 || fstat(to, &st) < 0)
		return 0;
	while (at < end) {
		if (sendfile(to, from, &at, (size_t)(end - at)) <= 0) {
			(void)unlinkat(t->dirfd, aside, 0);
			return 0;
		}
	}
	return st.st_ino;
}

static void push_part(struct log_index *x, uint64_t inode, uint64_t to)
{
	if (x->n == LOG_KEPT_MAX)
		x->n--;
	memmove(&x->kept[1], &x->kept[0], x->n * sizeof(x->kept[0]));
	x->kept[0] = (struct log_part){ .inode = inode, .from = x->cut, .to = to };
	x->n++;
	x->cut = to;
}

/* Give up the older parts: what follows would not join them, or there is no room for them. */
static int drop_parts(struct turn *t, struct err *e)
{
	int rc;

	t->x.n = 0;
	rc = log_index_save(t->index, &t->x, e);
	if (rc == 0)
		settle(t);
	return rc;
}

/* Free the blocks in front of `cut`.  Return: 0, or 1 where files have no holes. */
static int free_front(const struct turn *t, int live)
{
	off_t n = (off_t)(t->x.cut - t->x.base);

	if (n == 0)
		return 0;
	return fallocate(live, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, n) < 0 ? 1 : 0;
}

/* No holes here: cut it, as elsewhere.  What was written since the copy is lost, and the log says so. */
static int cut_all(struct turn *t, int live, struct err *e)
{
	static const char note[] =
		"\n===== this file system cannot free the front of a file; what was "
		"written in this moment is lost =====\n\n";
	int rc;

	t->x.base = t->x.cut;
	rc = log_index_save(t->index, &t->x, e);
	if (rc)
		return rc;
	if (ftruncate(live, 0) < 0)
		return err_errno(e, errno, "cannot cut %s", t->name);
	(void)fd_write_all(live, note, sizeof(note) - 1); /* the log goes on without it */
	return 0;
}

/* Move the bytes before position @to out of the live file. */
static int move_front(struct turn *t, int live, uint64_t to, struct err *e)
{
	off_t from = (off_t)(t->x.cut - t->x.base);
	uint64_t inode = copy_aside(t, live, from, from + (off_t)(to - t->x.cut));
	int rc;

	if (!inode) { /* no room: the older parts go first */
		rc = drop_parts(t, e);
		if (rc)
			return rc;
		inode = copy_aside(t, live, from, from + (off_t)(to - t->x.cut));
	}
	if (inode)
		push_part(&t->x, inode, to);
	else
		t->x.cut = to; /* bounded in all cases: readers are told of the gap */
	rc = log_index_save(t->index, &t->x, e);
	if (rc)
		return rc;
	settle(t);
	return free_front(t, live) ? cut_all(t, live, e) : 0;
}

/* After a crash of the host the index may be older than the holes; then it lies about zeros. */
static void mind_holes(struct turn *t, int live)
{
	off_t data = lseek(live, (off_t)(t->x.cut - t->x.base), SEEK_DATA);

	if (data > 0 && t->x.base + (uint64_t)data > t->x.cut) {
		t->x.n = 0;
		t->x.cut = t->x.base + (uint64_t)data;
	}
}

/* Someone cut the live file: what it holds now comes after all that was. */
static void mind_cut(struct turn *t, uint64_t size)
{
	if (t->x.base + size < t->x.cut)
		t->x.base = t->x.cut;
}

/* Move on until the live file holds at most @max.  Return: 1 if something was moved, 0, or negative. */
static int trim(struct turn *t, int live, uint64_t size, uint64_t max, struct err *e)
{
	uint64_t end;
	int rc = 0, moved = 0;

	mind_cut(t, size);
	end = t->x.base + size;
	if (end - t->x.cut <= max)
		return 0;
	mind_holes(t, live);
	if (end - t->x.cut > (LOG_KEPT_MAX + 1) * max) {
		/* More than is kept: the front would be moved out at once again. */
		t->x.cut = end - (LOG_KEPT_MAX + 1) * max;
		rc = drop_parts(t, e);
	}
	while (rc == 0 && end - t->x.cut > max) {
		moved = 1;
		rc = move_front(t, live, t->x.cut + max, e);
		if (t->x.base == t->x.cut)
			break; /* it was cut */
	}
	return rc ? rc : moved;
}

int log_file_trim(int dirfd, const char *name, uint64_t max, struct err *e)
{
	auto_turn struct turn t = { .index = -1 };
	auto_close int live = -1;
	char path[LOG_NAME_MAX + 16];
	struct stat st;
	uint64_t size = 0;
	int rc;

	/* Most looks find little: no lock, no index. */
	log_index_name(path, name, "");
	if (!inode_of(dirfd, path, &size) || size <= max)
		return 0;
	rc = begin_turn(&t, dirfd, name, e);
	if (rc)
		return rc;
	live = open_live(&t, &st);
	if (live < 0)
		return 0;
	rc = trim(&t, live, (uint64_t)st.st_size, max, e);
	return rc < 0 ? err_wrap(e, rc, "%s", name) : rc;
}

/* The whole rest of the live file becomes a part, the name is free. */
static int move_rest(struct turn *t, int live, uint64_t size, struct err *e)
{
	uint64_t end = t->x.base + size, inode = 0;
	bool is_whole = t->x.cut == t->x.base;
	struct stat st;
	int rc;

	if (is_whole && fstat(live, &st) == 0) /* without a hole it is moved by its name */
		inode = st.st_ino;
	else
		inode = copy_aside(t, live, (off_t)(t->x.cut - t->x.base), (off_t)size);
	if (inode)
		push_part(&t->x, inode, end);
	else
		t->x.n = 0;
	t->x.base = t->x.cut = end;
	rc = log_index_save(t->index, &t->x, e);
	if (rc)
		return rc;
	inject_point("logs.indexed");
	settle(t);
	if (!is_whole && unlinkat(t->dirfd, t->name, 0) < 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot move %s away", t->name);
	return 0;
}

int log_file_begin(int dirfd, const char *name, uint64_t max, struct err *e)
{
	auto_turn struct turn t = { .index = -1 };
	auto_close int live = -1;
	uint64_t size = 0;
	struct stat st;
	int rc = begin_turn(&t, dirfd, name, e);

	if (rc)
		return rc;
	live = open_live(&t, &st);
	if (live >= 0) {
		rc = trim(&t, live, (uint64_t)st.st_size, max, e);
		if (rc >= 0 && fstat(live, &st) == 0)
			size = (uint64_t)st.st_size;
		rc = rc < 0 ? rc : 0;
	} else {
		t.x.base = t.x.cut; /* someone took it away */
	}
	if (rc == 0 && t.x.base + size > t.x.cut)
		rc = move_rest(&t, live, size, e);
	t.x.boot = t.x.base;
	if (rc == 0)
		rc = log_index_save(t.index, &t.x, e);
	return rc ? err_wrap(e, rc, "%s", name) : 0;
}

void log_file_remove(int dirfd, const char *name)
{
	static const char *const suffixes[] = { "", ".1", ".2", ".3", ".new", ".index" };
	char path[LOG_NAME_MAX + 16];
	size_t i;

	static_assert(LOG_KEPT_MAX == 3, "the names above");
	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		log_index_name(path, name, suffixes[i]);
		(void)unlinkat(dirfd, path, 0);
	}
}

static int make_serial(int dirfd, gid_t reader, struct err *e)
{
	auto_close int fd = openat(dirfd, "serial.log",
				   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	char stamp[32], line[80];
	int n;

	if (fd < 0)
		return err_errno(e, errno, "cannot make serial.log");
	if (reader != (gid_t)-1 && (fchown(fd, (uid_t)-1, reader) < 0 || fchmod(fd, 0660) < 0))
		return err_errno(e, errno, "cannot let QEMU's user write serial.log");
	n = str_format(line, sizeof(line), "\n===== boot @ %s =====\n\n",
		       time_rfc3339(stamp, sizeof(stamp), time_unix_ms() / 1000));
	n = fd_write_all(fd, line, (size_t)n);
	return n ? err_errno(e, -n, "cannot write serial.log") : 0;
}

int log_files_begin(int dirfd, gid_t reader, uint64_t max, struct err *e)
{
	size_t i;
	int rc;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		rc = log_file_begin(dirfd, names[i], max, e);
		if (rc)
			return rc;
	}
	(void)unlinkat(dirfd, "serial.pty", 0); /* of the last boot */
	inject_point("logs.begin");
	return make_serial(dirfd, reader, e);
}

int log_files_trim(int dirfd, uint64_t max, struct err *e)
{
	int rc, moved = 0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		rc = log_file_trim(dirfd, names[i], max, e);
		if (rc < 0)
			return rc;
		moved |= rc;
	}
	return moved;
}
