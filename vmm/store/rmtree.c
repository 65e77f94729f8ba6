/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory: fts walks without recursion and without following links.  It needs paths; the one of the
 * folder comes from its descriptor, so a renamed parent cannot send us elsewhere.
 */
#include "store/rmtree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/inject.h"
#include "base/str.h"

static int drop(const FTSENT *f, const char *last, struct err *e)
{
	switch (f->fts_info) {
	case FTS_D:
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return err_errno(e, f->fts_errno, "cannot read '%s'", f->fts_name);
	case FTS_DP:
		if (f->fts_level == 0)
			return 0;
		if (rmdir(f->fts_accpath) < 0)
			return err_errno(e, errno, "cannot remove folder '%s'", f->fts_name);
		inject_point("rmtree.folder-removed");
		return 0;
	default:
		if (last && f->fts_level == 1 && str_equal(f->fts_name, last))
			return 0;
		if (unlink(f->fts_accpath) < 0 && errno != ENOENT)
			return err_errno(e, errno, "cannot remove '%s'", f->fts_name);
		inject_point("rmtree.unlinked");
		return 0;
	}
}

static int walk(FTS *fts, const char *last, struct err *e)
{
	dev_t dev = 0;
	FTSENT *f;
	int rc;

	while ((f = fts_read(fts)) != NULL) {
		if (f->fts_level == 0 && f->fts_info == FTS_D)
			dev = f->fts_dev;
		if (f->fts_info == FTS_D && f->fts_dev != dev)
			return err_set(e, -EXDEV, "'%s' is a mount point; unmount it", f->fts_name);
		rc = drop(f, last, e);
		if (rc)
			return rc;
	}
	return 0;
}

int rmtree(int at, const char *name, const char *last, struct err *e)
{
	auto_close int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char path[32];
	char *paths[] = { path, NULL };
	FTS *fts;
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "cannot open '%s'", name);
	(void)str_format(path, sizeof(path), "/proc/self/fd/%d/.", fd);
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return err_errno(e, errno, "cannot walk '%s'", name);
	rc = walk(fts, last, e);
	(void)fts_close(fts);
	inject_point("rmtree.emptied");
	if (!rc && last && unlinkat(fd, last, 0) < 0 && errno != ENOENT)
		rc = err_errno(e, errno, "cannot remove '%s'", last);
	inject_point("rmtree.last-unlinked");
	if (!rc && unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = err_errno(e, errno, "cannot remove folder '%s'", name);
	return rc;
}
