/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder is made for its owner alone, locked, and only then opened to others, so nobody can hold its lock before
 * its daemon does.  The claims are another file than the lock: they are replaced by a rename, and a lock belongs
 * to a file, not to a name.
 */
#include "daemon/host_registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "store/claims.h"

static const char lock_name[] = "lock", claims_name[] = "claims", aside_name[] = "claims.new";

static bool is_name(const char *s)
{
	return strlen(s) == HOST_REGISTRY_NAME &&
	       strspn(s, "0123456789abcdef") == HOST_REGISTRY_NAME;
}

/* Root's is for every user of the host, as /tmp is. */
static int make_folder(const char *path, struct err *e)
{
	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : err_errno(e, errno, "cannot make '%s'", path);
	if (geteuid() == 0 && chmod(path, 01777) < 0)
		return err_errno(e, errno, "cannot set the mode of '%s'", path);
	return 0;
}

static int open_folder(const char *path, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;
	int rc = make_folder(path, e);

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, ERR_CONFLICT, "'%s' is of user %u, not of root or our own", path,
			       (unsigned int)st.st_uid);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
		return err_set(e, ERR_CONFLICT, "others may delete what is in '%s'; chmod +t it",
			       path);
	return steal_fd(&fd);
}

static void random_name(char ret[static HOST_REGISTRY_NAME + 1])
{
	uint8_t b[HOST_REGISTRY_NAME / 2];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		abort(); /* eight bytes cannot fail once the pool is up */
	str_hex(ret, b, sizeof(b));
}

static int make_own(struct host_registry *r, struct err *e)
{
	random_name(r->name);
	if (mkdirat(r->folder, r->name, 0700) < 0)
		return err_errno(e, errno, "cannot make a folder in it");
	r->own = openat(r->folder, r->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (r->own >= 0)
		r->lock = openat(r->own, lock_name,
				 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock < 0 || flock(r->lock, LOCK_EX | LOCK_NB) < 0 || fchmod(r->lock, 0644) < 0 ||
	    fchmod(r->own, 0755) < 0)
		return err_errno(e, errno, "cannot lock a file in it");
	return 0;
}

static void remove_files(int folder, const char *name)
{
	auto_close int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0) {
		(void)unlinkat(fd, claims_name, 0);
		(void)unlinkat(fd, aside_name, 0);
		(void)unlinkat(fd, lock_name, 0);
	}
	(void)unlinkat(folder, name, AT_REMOVEDIR);
}

int host_registry_open(struct host_registry *r, const char *path, struct err *e)
{
	int rc;

	*r = HOST_REGISTRY_NULL;
	r->folder = open_folder(path, e);
	if (r->folder < 0) {
		rc = r->folder;
		r->folder = -1;
		return rc;
	}
	rc = make_own(r, e);
	if (rc) {
		host_registry_close(r, false);
		return err_wrap(e, rc, "'%s'", path);
	}
	return 0;
}

void host_registry_close(struct host_registry *r, bool keep)
{
	if (!keep && *r->name && r->folder >= 0)
		remove_files(r->folder, r->name);
	r->lock = fd_close(r->lock);
	r->own = fd_close(r->own);
	r->folder = fd_close(r->folder);
	*r = HOST_REGISTRY_NULL;
}

int host_registry_write(const struct host_registry *r, const struct buf *claims, struct err *e)
{
	auto_close int fd = -1;
	int rc;

	fd = openat(r->own, aside_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot write our claims");
	rc = fd_write_all(fd, claims->p, claims->n);
	if (!rc && (fchmod(fd, 0644) < 0 || renameat(r->own, aside_name, r->own, claims_name) < 0))
		rc = -errno;
	return rc ? err_errno(e, -rc, "cannot write our claims") : 0;
}

static bool is_locked(int dirfd)
{
	auto_close int fd =
		openat(dirfd, lock_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Return: go on? */
static bool visit(const struct host_registry *r, const char *name,
		  bool (*fn)(const struct host_entry *x, void *arg), void *arg)
{
	auto_close int fd =
		openat(r->folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct host_entry x = { .name = name, .claims = BUF_MAX(0) };
	struct stat st;
	bool go_on = true;

	if (fd < 0 || fstat(fd, &st) < 0)
		return true;
	x.uid = st.st_uid;
	x.is_locked = is_locked(fd);
	if (file_read(fd, claims_name, CLAIMS_MAX, &x.claims, NULL) == 0)
		go_on = fn(&x, arg);
	buf_deinit(&x.claims);
	return go_on;
}

void host_registry_each(const struct host_registry *r,
			bool (*fn)(const struct host_entry *x, void *arg), void *arg)
{
	int copy = r->folder < 0 ? -1 : openat(r->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *x;
	bool go_on = true;
	size_t n = 0;

	if (!dir) {
		(void)fd_close(copy);
		return;
	}
	while (go_on && n < HOST_REGISTRY_DAEMONS && (x = readdir(dir))) {
		if (!is_name(x->d_name) || str_equal(x->d_name, r->name))
			continue;
		go_on = visit(r, x->d_name, fn, arg);
		n++;
	}
	(void)closedir(dir);
}

void host_registry_drop(const struct host_registry *r, const struct host_entry *x)
{
	if (x->uid == geteuid())
		remove_files(r->folder, x->name);
}
