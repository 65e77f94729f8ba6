/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/user.h"

static int check_one(const char *path, const char *user, const struct user *a, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, errno, "cannot look at '%s'", path);
	if (user_may(a, &st, S_IXOTH))
		return 0;
	return err_set(e, ERR_INPUT,
		       "QEMU runs as %s, which may not enter '%s'; chmod o+x it, or choose another "
		       "folder or qemu.user",
		       user, path);
}

int reach_check(const char *path, const char *user, struct err *e)
{
	auto_free char *part = xstrdup(path);
	struct user a;
	char *slash = part;
	int rc;

	if (!user_find(user, &a))
		return err_set(e, ERR_INPUT, "there is no user \"%s\" on this host", user);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = 0;
		rc = check_one(part, user, &a, e);
		*slash = '/';
		if (rc)
			return rc;
	}
	return check_one(part, user, &a, e);
}
