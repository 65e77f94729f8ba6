/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reach.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"

enum { GROUPS_MAX = 256 };

struct account {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int n_groups;
};

static bool is_member(const struct account *a, gid_t gid)
{
	int i;

	for (i = 0; i < a->n_groups; i++) {
		if (a->groups[i] == gid)
			return true;
	}
	return false;
}

static bool may_enter(const struct account *a, const struct stat *st)
{
	if (a->uid == 0)
		return true;
	if (st->st_uid == a->uid)
		return st->st_mode & S_IXUSR;
	if (is_member(a, st->st_gid))
		return st->st_mode & S_IXGRP;
	return st->st_mode & S_IXOTH;
}

static int check_one(const char *path, const char *user, const struct account *a, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, errno, "cannot look at '%s'", path);
	if (may_enter(a, &st))
		return 0;
	return err_set(e, ERR_INPUT,
		       "QEMU runs as %s, which may not enter '%s'; chmod o+x it, or choose another "
		       "folder or qemu.user",
		       user, path);
}

int reach_check(const char *path, const char *user, struct err *e)
{
	auto_free char *part = xstrdup(path);
	const struct passwd *pw = getpwnam(user);
	struct account a = { .n_groups = GROUPS_MAX };
	char *slash = part;
	int rc;

	if (!pw)
		return err_set(e, ERR_INPUT, "there is no user \"%s\" on this host", user);
	a.uid = pw->pw_uid;
	if (getgrouplist(user, pw->pw_gid, a.groups, &a.n_groups) < 0)
		a.n_groups = 0;
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = 0;
		rc = check_one(part, user, &a, e);
		*slash = '/';
		if (rc)
			return rc;
	}
	return check_one(part, user, &a, e);
}
