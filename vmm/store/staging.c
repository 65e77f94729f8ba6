/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is what makes it safe.  Before the rename to .next everything of the new version is on disk, and hard
 * links to the old one beside it; after it only renames are left, each of which finds its work done when it is
 * repeated.  The manifest moves last of the files: while it is in .next the others may be old or new, and the
 * links in .next/prev were made while all were old.
 */
#include "store/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/str.h"
#include "store/manifest.h"
#include "store/rmtree.h"

static const char new_name[] = ".next-new", next_name[] = ".next", prev_name[] = ".prev",
		  refused_name[] = ".next-refused", manifest_name[] = "vm-manifest.json";

static const struct {
	const char *name;
	bool may_go; /* an empty one stands for none */
} kept[STAGED_COUNT] = {
	[STAGED_COMPOSE] = { "app-compose.json", false },
	[STAGED_ENCRYPTED_ENV] = { ".encrypted-env", true },
	[STAGED_USER_CONFIG] = { ".user-config", true },
};

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool has(int at, const char *name)
{
	return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make_dir(int at, const char *name, struct err *e)
{
	int rc = rmtree(at, name, NULL, e), fd;

	if (rc)
		return rc;
	fd = mkdirat(at, name, 0700) < 0 ? -1 : open_dir(at, name);
	return fd < 0 ? err_errno(e, errno, "cannot make '%s'", name) : fd;
}

static int open_shared(int dirfd, struct err *e)
{
	int fd = open_dir(dirfd, "shared");

	return fd < 0 ? err_errno(e, errno, "cannot open the shared folder") : fd;
}

bool staging_differs(int dirfd, enum staged which, const struct staged_file *f)
{
	auto_close int shared = open_shared(dirfd, NULL);
	auto_buf struct buf b = BUF_MAX(0);
	int rc;

	if (!f->is_given)
		return false;
	rc = shared < 0 ? shared : file_read(shared, kept[which].name, f->n ? f->n : 1, &b, NULL);
	if (rc == -ENOENT)
		return f->n > 0;
	return rc || b.n != f->n || (f->n && memcmp(b.p, f->p, f->n) != 0);
}

/* A link to @name of @from; an empty file where there is none. */
static int keep_one(int from, const char *name, int to, struct err *e)
{
	if (linkat(from, name, to, name, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(e, errno, "cannot keep the old '%s'", name);
	return file_replace(to, name, 0600, "", 0, e);
}

/* <next>/prev: the files as they are, linked aside and renamed in when all are there. */
static int keep_old(int dirfd, int next, struct err *e)
{
	auto_close int shared = open_shared(dirfd, e), prev = -1;
	size_t i;
	int rc;

	if (shared < 0)
		return shared;
	prev = make_dir(next, "prev-new", e);
	rc = prev < 0 ? prev : keep_one(dirfd, manifest_name, prev, e);
	for (i = 0; i < STAGED_COUNT && !rc; i++)
		rc = keep_one(shared, kept[i].name, prev, e);
	if (!rc)
		rc = file_sync_dir(prev, ".", e);
	if (!rc && renameat(next, "prev-new", next, "prev") < 0)
		rc = err_errno(e, errno, "cannot keep the old version");
	return rc ? rc : file_sync_dir(next, ".", e);
}

static int fill(int dirfd, int next, const struct manifest *m, const struct staged_file *files,
		struct err *e)
{
	int rc = manifest_save(next, m, e);
	size_t i;

	for (i = 0; i < STAGED_COUNT && !rc; i++) {
		inject_point("staging.file");
		if (files[i].is_given)
			rc = file_replace(next, kept[i].name, 0600, files[i].p, files[i].n, e);
	}
	return rc ? rc : keep_old(dirfd, next, e);
}

int staging_write(int dirfd, const struct manifest *m,
		  const struct staged_file files[static STAGED_COUNT], struct err *e)
{
	auto_close int next = -1;
	int rc;

	inject_point("staging.write");
	next = make_dir(dirfd, new_name, e);
	rc = next < 0 ? next : fill(dirfd, next, m, files, e);
	inject_point("staging.written");
	if (rc)
		(void)rmtree(dirfd, new_name, NULL,
			     NULL); /* the first error is the one to report */
	return rc ? err_wrap(e, rc, "cannot write the change aside") : 0;
}

int staging_commit(int dirfd, struct err *e)
{
	int rc;

	inject_point("staging.commit");
	/* RENAME_NOREPLACE: a change that is decided is not replaced by another. */
	if (renameat2(dirfd, new_name, dirfd, next_name, RENAME_NOREPLACE) < 0) {
		rc = err_errno(e, errno, "cannot decide the change");
		(void)rmtree(dirfd, new_name, NULL, NULL);
		return rc;
	}
	inject_point("staging.committed");
	return file_sync_dir(dirfd, ".", e);
}

/* Aside first, by one rename: half a .next must never be taken for a whole one. */
int staging_undo(int dirfd, struct err *e)
{
	int rc = rmtree(dirfd, new_name, NULL, e);

	if (rc || !has(dirfd, next_name))
		return rc;
	inject_point("staging.undo");
	if (renameat(dirfd, next_name, dirfd, new_name) < 0)
		return err_errno(e, errno, "cannot take back '%s'", next_name);
	rc = file_sync_dir(dirfd, ".", e);
	inject_point("staging.undone");
	return rc ? rc : rmtree(dirfd, new_name, NULL, e);
}

bool staging_is_due(int dirfd)
{
	return has(dirfd, next_name);
}

/* Absent, or a regular file that is empty only where that means something. */
static int check_file(int next, size_t i, struct err *e)
{
	struct stat st;

	if (fstatat(next, kept[i].name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return errno == ENOENT ? 0
				       : err_set(e, ERR_CORRUPT, "%s/%s: %s", next_name,
						 kept[i].name, strerror(errno));
	}
	if (!S_ISREG(st.st_mode) || (!st.st_size && !kept[i].may_go))
		return err_set(e, ERR_CORRUPT, "%s/%s: must be a file with content", next_name,
			       kept[i].name);
	return 0;
}

/* Somebody may have put it there by hand. */
static int check(int dirfd, int next, struct err *e)
{
	auto_manifest struct manifest now = MANIFEST_NULL, then = MANIFEST_NULL;
	size_t i;
	int rc = manifest_load(next, &then, e);

	if (rc)
		return err_wrap(e, ERR_CORRUPT, "%s", next_name);
	if (!manifest_load(dirfd, &now, NULL) && !str_equal(now.id, then.id))
		return err_set(e, ERR_CORRUPT, "%s: its manifest has the id %s", next_name,
			       then.id);
	for (i = 0; i < STAGED_COUNT && !rc; i++)
		rc = check_file(next, i, e);
	return rc;
}

static int install(int next, const char *name, int to, struct err *e)
{
	struct stat st;
	int rc;

	if (fstatat(next, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* not given, or there already */
	inject_point("staging.install");
	if (st.st_size) {
		rc = renameat(next, name, to, name);
	} else {
		rc = unlinkat(to, name, 0);
		if (rc < 0 && errno == ENOENT)
			rc = 0;
		if (!rc)
			rc = unlinkat(next, name, 0);
	}
	return rc < 0 ? err_errno(e, errno, "cannot put '%s' in place", name) : 0;
}

static int install_all(int dirfd, int next, struct err *e)
{
	auto_close int shared = open_shared(dirfd, e);
	size_t i;
	int rc = shared < 0 ? shared : 0;

	if (!rc && !has(next, "prev"))
		rc = keep_old(dirfd, next, e);
	for (i = 0; i < STAGED_COUNT && !rc; i++)
		rc = install(next, kept[i].name, shared, e);
	if (!rc)
		rc = file_sync_dir(shared, ".", e);
	if (!rc)
		rc = install(next, manifest_name, dirfd, e);
	return rc ? rc : file_sync_dir(dirfd, ".", e);
}

/* The links of the old version become .prev, and .next goes. */
static int put_away(int dirfd, int next, struct err *e)
{
	int rc = 0;

	inject_point("staging.put-away");
	if (has(next, "prev")) {
		rc = rmtree(dirfd, prev_name, NULL, e);
		if (!rc && renameat(next, "prev", dirfd, prev_name) < 0)
			rc = err_errno(e, errno, "cannot keep the old version");
	}
	if (!rc)
		rc = file_sync_dir(dirfd, ".", e);
	inject_point("staging.kept");
	if (!rc)
		rc = rmtree(dirfd, next_name, NULL, e);
	return rc ? rc : file_sync_dir(dirfd, ".", e);
}

static int refuse(int dirfd, int rc, struct err *e)
{
	(void)rmtree(dirfd, refused_name, NULL, NULL);
	if (renameat(dirfd, next_name, dirfd, refused_name) < 0)
		return err_errno(e, errno, "cannot set '%s' aside", next_name);
	(void)file_sync_dir(dirfd, ".", NULL);
	return err_wrap(e, rc, "a change is set aside as %s", refused_name);
}

int staging_finish(int dirfd, struct err *e)
{
	auto_close int next = -1;
	int rc = rmtree(dirfd, new_name, NULL, e);

	if (rc || !has(dirfd, next_name))
		return rc;
	next = open_dir(dirfd, next_name);
	if (next < 0) {
		rc = err_set(e, ERR_CORRUPT, "%s is no folder", next_name);
		return refuse(dirfd, rc, e);
	}
	/* Without its manifest everything is in place but what is to be put away. */
	if (has(next, manifest_name)) {
		rc = check(dirfd, next, e);
		if (rc)
			return refuse(dirfd, rc, e);
		rc = install_all(dirfd, next, e);
	}
	if (!rc)
		rc = put_away(dirfd, next, e);
	return rc ? rc : 1;
}
