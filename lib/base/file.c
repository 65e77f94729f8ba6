/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

static const char tmp_mark[] = ".tmp-";

static int read_open(int dirfd, const char *path, size_t max, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a fifo put in our way must not hang us */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return err_set(e, -ELOOP, "'%s' is a symbolic link, not a file", path);
	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'%s' is not a regular file", path);
	if (st.st_size > 0 && (size_t)st.st_size > max)
		return err_set(e, -EFBIG, "'%s' is too large: %lld bytes, at most %zu", path,
			       (long long)st.st_size, max);
	return steal_fd(&fd);
}

int file_read(int dirfd, const char *path, size_t max, struct buf *ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(max);
	auto_close int fd = -1;
	uint8_t chunk[8192 - 256];
	ssize_t got;
	int rc;

	fd = read_open(dirfd, path, max, e);
	if (fd < 0)
		return fd;
	rc = buf_add(&b, "", 0);
	while (rc == 0) {
		got = fd_read_full(fd, chunk, sizeof(chunk));
		if (got < 0)
			return err_errno(e, (int)-got, "cannot read '%s'", path);
		if (got == 0)
			break;
		rc = buf_add(&b, chunk, (size_t)got);
	}
	if (rc == -EMSGSIZE)
		return err_set(e, -EFBIG, "'%s' is too large: over %zu bytes", path, max);
	if (rc < 0)
		return err_errno(e, -rc, "cannot read '%s'", path);
	*ret = b;
	b = BUF_MAX(0);
	return 0;
}

int file_read_secret(int dirfd, const char *path, size_t max, struct buf *ret, struct err *e)
{
	auto_secret_buf struct buf b = BUF_MAX(0);
	auto_close int fd = -1;
	ssize_t got;

	fd = read_open(dirfd, path, max, e);
	if (fd < 0)
		return fd;
	if (secret_buf_init(&b, max) < 0)
		return err_errno(e, ENOMEM, "cannot read '%s'", path);
	got = fd_read_full(fd, b.p, max + 1); /* that much room there is, for the 0 */
	if (got < 0)
		return err_errno(e, (int)-got, "cannot read '%s'", path);
	if ((size_t)got > max)
		return err_set(e, -EFBIG, "'%s' is too large: over %zu bytes", path, max);
	b.n = (size_t)got;
	b.p[b.n] = 0;
	*ret = b;
	b = BUF_MAX(0);
	return 0;
}

/* Split @path into its directory ("." if none) and its name. */
static int split(const char *path, char *dir, size_t size, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return str_copy(dir, size, ".");
	return str_format(dir, size, "%.*s", (int)(slash - path) + (slash == path), path);
}

static int write_aside(int dfd, const char *tmp, mode_t mode, const void *p, size_t n)
{
	auto_close int fd = -1;
	int rc;

	fd = openat(dfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	rc = inject_error("file.write");
	if (rc == 0)
		rc = fd_write_all(fd, p, n);
	if (rc == 0 && fchmod(fd, mode) < 0)
		rc = -errno;
	inject_point("file.written");
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	inject_point("file.synced");
	return rc;
}

int file_aside(const char *name, char ret[static FILE_ASIDE_MAX], struct err *e)
{
	char nonce[17];
	uint8_t raw[8];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return err_errno(e, errno, "cannot get random bytes");
	str_hex(nonce, raw, sizeof(raw));
	if (str_format(ret, FILE_ASIDE_MAX, ".%s%s%s", name, tmp_mark, nonce) < 0)
		return err_set(e, -ENAMETOOLONG, "'%s': name too long", name);
	return 0;
}

int file_replace(int dirfd, const char *path, mode_t mode, const void *p, size_t n, struct err *e)
{
	char dir[4096], tmp[FILE_ASIDE_MAX];
	auto_close int dfd = -1;
	const char *name;
	int rc;

	if (split(path, dir, sizeof(dir), &name) < 0)
		return err_set(e, -ENAMETOOLONG, "'%s': path too long", path);
	rc = file_aside(name, tmp, e);
	if (rc < 0)
		return rc;
	dfd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dfd < 0)
		return err_errno(e, errno, "cannot open directory '%s'", dir);
	rc = write_aside(dfd, tmp, mode, p, n);
	if (rc == 0 && renameat(dfd, tmp, dfd, name) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlinkat(dfd, tmp, 0); /* the first error is the one to report */
		return err_errno(e, -rc, "cannot write '%s'", path);
	}
	inject_point("file.renamed");
	if (fsync(dfd) < 0)
		return err_errno(e, errno, "cannot sync directory '%s'", dir);
	inject_point("file.kept");
	return 0;
}

/* Is this ".<name>.tmp-<16 hex>"? */
static bool is_tmp(const char *name)
{
	size_t n = strlen(name), mark = sizeof(tmp_mark) - 1;
	uint8_t raw[8];

	return name[0] == '.' && n > 16 + mark && str_unhex(raw, 8, name + n - 16) == 0 &&
	       memcmp(name + n - 16 - mark, tmp_mark, mark) == 0;
}

int file_sweep(int dirfd, struct err *e)
{
	auto_close int fd = -1;
	struct dirent *d;
	DIR *dir;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "cannot open directory");
	dir = fdopendir(fd);
	if (!dir)
		return err_errno(e, errno, "cannot read directory");
	(void)steal_fd(&fd); /* closedir() closes it */
	while ((d = readdir(dir)) != NULL) {
		if (is_tmp(d->d_name))
			(void)unlinkat(dirfd, d->d_name, 0); /* tried again at the next start */
	}
	(void)closedir(dir);
	return 0;
}

int file_mkdir(int dirfd, const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdirat(dirfd, path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_errno(e, errno, "cannot make directory '%s'", path);
	if (fstatat(dirfd, path, &st, 0) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "'%s' is there, but is not a directory", path);
	return 0;
}

int file_mkdir_all(const char *path, mode_t mode, struct err *e)
{
	auto_free char *copy = xstrdup(path);
	char *at = copy;
	int rc;

	while ((at = strchr(at + 1, '/')) != NULL) {
		*at = 0;
		rc = file_mkdir(AT_FDCWD, copy, mode, e);
		*at = '/';
		if (rc < 0)
			return rc;
	}
	return file_mkdir(AT_FDCWD, path, mode, e);
}

int file_sync_dir(int dirfd, const char *path, struct err *e)
{
	auto_close int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "cannot sync directory '%s'", path);
	return 0;
}
