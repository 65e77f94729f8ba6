/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "wire/tar.h"

enum { CHUNK = 256 * 1024, FILE_MODE = 0644 };

/* Exactly @n bytes of the archive. */
static int take(int fd, void *p, size_t n, struct err *e)
{
	ssize_t got = fd_read_full(fd, p, n);

	if (got < 0)
		return err_errno(e, (int)-got, "cannot read the archive");
	return (size_t)got == n ? 0 : err_set(e, ERR_PROTO, "the archive is cut short");
}

static uint64_t padded(uint64_t size)
{
	return (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

static int copy(struct image_unpack *u, int from, int to, uint64_t size, struct err *e)
{
	auto_free uint8_t *chunk = xcalloc(1, CHUNK);
	uint64_t left = padded(size), data = size;
	size_t n, m;
	int rc = 0;

	while (rc == 0 && left > 0) {
		n = left < CHUNK ? (size_t)left : CHUNK;
		m = data < n ? (size_t)data : n;
		rc = take(from, chunk, n, e);
		if (rc == 0) {
			rc = fd_write_all(to, chunk, m);
			if (rc < 0)
				rc = err_errno(e, -rc, "cannot write");
		}
		if (rc == 0 && u->progress)
			rc = u->progress(u->arg, m, e);
		left -= n;
		data -= m;
	}
	return rc;
}

static int make_file(struct image_unpack *u, int from, const struct tar_entry *t, struct err *e)
{
	auto_close int fd = -1;
	int rc;

	if (t->size > u->bytes_left)
		return err_set(e, ERR_LIMIT, "'%s' is larger than all of an image may be", t->name);
	if (++u->n_files > IMAGE_UNPACK_FILES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d files", IMAGE_UNPACK_FILES_MAX);
	u->bytes_left -= t->size;
	if (unlinkat(u->dirfd, t->name, 0) != 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot replace '%s'", t->name);
	fd = openat(u->dirfd, t->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (fd < 0)
		return err_errno(e, errno, "cannot make '%s'", t->name);
	rc = copy(u, from, fd, t->size, e);
	if (rc == 0 && (fchmod(fd, FILE_MODE) != 0 || fsync(fd) != 0))
		rc = err_errno(e, errno, "cannot sync");
	return rc < 0 ? err_wrap(e, rc, "'%s'", t->name) : 0;
}

/* The data of an entry that is no file: read, and given to @more if it is a pax header. */
static int read_more(int fd, const struct tar_entry *t, struct tar_more *more, bool *ret_has,
		     struct err *e)
{
	size_t n = (size_t)padded(t->size); /* TAR_PAX_MAX was checked */
	auto_free uint8_t *p = xcalloc(1, n + 1);
	int rc = take(fd, p, n, e);

	*ret_has = rc == 0 && t->kind == TAR_PAX;
	return *ret_has ? tar_pax(p, (size_t)t->size, more, e) : rc;
}

int image_unpack(struct image_unpack *u, int fd, struct err *e)
{
	struct tar_entry t = { .kind = TAR_SKIP };
	uint8_t block[TAR_BLOCK];
	bool has_more = false;
	struct tar_more more;
	int rc;

	for (;;) {
		rc = take(fd, block, sizeof(block), e);
		if (rc == 0)
			rc = tar_header(block, has_more ? &more : NULL, &t, e);
		if (rc < 0 || t.kind == TAR_END)
			return rc;
		has_more = false;
		if (t.kind == TAR_FILE)
			rc = make_file(u, fd, &t, e);
		else if (t.kind != TAR_FOLDER)
			rc = read_more(fd, &t, &more, &has_more, e);
		if (rc < 0)
			return rc;
	}
}
