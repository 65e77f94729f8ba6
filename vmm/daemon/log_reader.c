/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory: the index is read, then the bytes, then the index again.  Whoever moves the log on writes the
 * index before it frees anything, so if it is the same as before, the bytes were still in their place.  An
 * open descriptor keeps a part readable when its name moves or goes.
 */
#include "daemon/log_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "daemon/log_index.h"

enum {
	TRIES = 16,
	SEARCH_BLOCK = 4096,
	LOOKS = 3, /* for a name: it may move from behind our look to before it, but once for each seq */
};

static bool is_there(const struct log_reader *r)
{
	struct stat st;

	return fstatat(r->dirfd, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The index may be taken away and made anew.  If all is taken away (the VM is removed), the old one still holds. */
static void load(struct log_reader *r, struct log_index *ret)
{
	struct stat st;
	int fd;

	r->is_gone = false;
	if (r->index < 0 || fstat(r->index, &st) < 0 || st.st_nlink == 0) {
		fd = log_index_open(r->dirfd, r->name);
		r->is_gone = fd < 0 && !is_there(r);
		if (!r->is_gone) {
			(void)fd_close(r->index);
			r->index = fd;
		}
	}
	log_index_load(r->index, r->dirfd, r->name, ret);
	/* without an index, the older files say where the live one begins: not while they are being deleted */
	if (ret->seq == 0 && r->known.seq == 0 && ret->base < r->known.base)
		*ret = r->known;
	r->known = *ret;
}

static bool is_part(const struct log_index *x, uint64_t inode)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		if (x->kept[i].inode == inode)
			return true; /* it is on its way to another name */
	}
	return false;
}

/* Make r->fd the file @path if that has @inode (0: any but a part of @x).  Return: is it? */
static bool open_file(struct log_reader *r, const char *path, uint64_t inode,
		      const struct log_index *x)
{
	auto_close int fd = -1;
	struct stat st;

	if (fstatat(r->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return r->is_gone && !inode && r->fd >= 0 && !is_part(x, r->inode);
	if (!S_ISREG(st.st_mode) || (inode ? st.st_ino != inode : is_part(x, st.st_ino)))
		return false;
	if (r->fd >= 0 && r->inode == st.st_ino)
		return true;
	fd = openat(r->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (inode && st.st_ino != inode))
		return false;
	(void)fd_close(r->fd);
	r->fd = steal_fd(&fd);
	r->inode = st.st_ino;
	return true;
}

static bool find_part(struct log_reader *r, const struct log_index *x, size_t i)
{
	static const char *const elsewhere[] = { ".new", "" };
	char path[LOG_NAME_MAX + 16];
	size_t k;

	for (k = 0; k < LOG_KEPT_MAX; k++) {
		log_index_part_name(path, r->name, k);
		if (open_file(r, path, x->kept[i].inode, x))
			return true;
	}
	for (k = 0; k < 2; k++) {
		log_index_name(path, r->name, elsewhere[k]);
		if (open_file(r, path, x->kept[i].inode, x))
			return true;
	}
	return false;
}

static bool open_part(struct log_reader *r, const struct log_index *x, size_t i)
{
	int k;

	if (r->fd >= 0 && r->inode == x->kept[i].inode)
		return true;
	for (k = 0; k < LOOKS; k++) {
		if (find_part(r, x, i))
			return true;
	}
	return false;
}

/* From the live file.  @at is at least x->cut. */
static ssize_t read_live(struct log_reader *r, const struct log_index *x, uint64_t *at, void *p,
			 size_t n)
{
	struct stat st;

	if (!open_file(r, r->name, 0, x) || fstat(r->fd, &st) < 0)
		return 0;
	if (*at - x->base > (uint64_t)st.st_size) /* cut by someone else */
		*at = x->base + (uint64_t)st.st_size < x->cut ? *at : x->base;
	return pread(r->fd, p, n, (off_t)(*at - x->base));
}

/* As @x has it: the bytes at *@at, or the first after it that are kept. */
static ssize_t read_as(struct log_reader *r, const struct log_index *x, uint64_t *at, void *p,
		       size_t n)
{
	ssize_t got;
	size_t i;

	if (*at < log_index_oldest(x))
		*at = log_index_oldest(x);
	for (i = x->n; i > 0; i--) {
		const struct log_part *part = &x->kept[i - 1];

		if (*at < part->from || *at >= part->to)
			continue;
		if (part->to - *at < n)
			n = (size_t)(part->to - *at);
		got = open_part(r, x, i - 1) ? pread(r->fd, p, n, (off_t)(*at - part->from)) : 0;
		if (got != 0)
			return got;
		*at = part->to; /* lost, or shorter than it should be */
	}
	return read_live(r, x, at, p, n);
}

static ssize_t read_at(struct log_reader *r, uint64_t *at, void *p, size_t n)
{
	struct log_index x, y;
	uint64_t from;
	ssize_t got;
	int i;

	load(r, &x);
	for (i = 0; i < TRIES; i++) {
		from = *at;
		got = read_as(r, &x, &from, p, n);
		if (got < 0)
			return -errno;
		load(r, &y);
		if (x.seq == y.seq) {
			*at = from;
			return got;
		}
		x = y;
	}
	return 0; /* it moves faster than we look: next time */
}

ssize_t log_reader_read(struct log_reader *r, void *p, size_t n, uint64_t *ret_from)
{
	uint64_t from = r->at;
	ssize_t got = read_at(r, &from, p, n);

	if (got > 0) {
		*ret_from = from;
		r->at = from + (uint64_t)got;
	}
	return got;
}

static uint64_t end_of(struct log_reader *r, const struct log_index *x)
{
	struct stat st;

	if (!open_file(r, r->name, 0, x) || fstat(r->fd, &st) < 0 ||
	    x->base + (uint64_t)st.st_size < x->cut)
		return x->cut;
	return x->base + (uint64_t)st.st_size;
}

void log_reader_open(struct log_reader *r, int dirfd, const char *name)
{
	struct log_index x;

	*r = (struct log_reader){ .dirfd = dirfd, .name = name, .index = -1, .fd = -1 };
	load(r, &x);
	r->at = end_of(r, &x);
}

void log_reader_close(struct log_reader *r)
{
	r->fd = fd_close(r->fd);
	r->index = fd_close(r->index);
}

void log_reader_seek_oldest(struct log_reader *r)
{
	struct log_index x;

	load(r, &x);
	r->at = log_index_oldest(&x);
}

/* In @buf, of the bytes from @at: the position behind the newline that ends the @lines-th line from the end, or 0. */
static uint64_t find_start(const char *buf, size_t n, uint64_t at, uint64_t *lines)
{
	size_t i;

	for (i = n; i > 0; i--) {
		if (buf[i - 1] == '\n' && (*lines)-- == 0)
			return at + i;
	}
	return 0;
}

/* Exactly the @n bytes at @at? */
static bool read_all(struct log_reader *r, uint64_t at, char *p, size_t n)
{
	uint64_t from;
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		from = at + have;
		got = read_at(r, &from, p + have, n - have);
		if (got <= 0 || from != at + have)
			return false;
		have += (size_t)got;
	}
	return true;
}

void log_reader_seek_lines(struct log_reader *r, uint64_t lines)
{
	uint64_t end, at, floor, found;
	struct log_index x;
	char buf[SEARCH_BLOCK];
	size_t n;

	load(r, &x);
	r->at = end = at = end_of(r, &x);
	floor = x.boot > log_index_oldest(&x) ? x.boot : log_index_oldest(&x);
	if (floor > end)
		floor = end;
	if (lines > end - floor) {
		r->at = floor;
		return;
	}
	if (end - floor > LOG_SEARCH_MAX)
		floor = end - LOG_SEARCH_MAX;
	if (lines == 0 || end == floor)
		return;
	/* The newline at the very end ends the last line; it begins none. */
	if (read_all(r, end - 1, buf, 1) && buf[0] == '\n')
		at--;
	lines--;
	while (at > floor) {
		n = at - floor > sizeof(buf) ? sizeof(buf) : (size_t)(at - floor);
		if (!read_all(r, at - n, buf, n)) { /* it moved on meanwhile */
			r->at = at;
			return;
		}
		at -= n;
		found = find_start(buf, n, at, &lines);
		if (found) {
			r->at = found;
			return;
		}
	}
	r->at = floor;
}
