/* SPDX-License-Identifier: Apache-2.0 */
#include "base/user.h"

#include <grp.h>
#include <pwd.h>

bool user_find(const char *name, struct user *ret)
{
	const struct passwd *pw = getpwnam(name);
	int n = USER_GROUPS_MAX;

	*ret = (struct user){ .n_groups = 0 };
	if (!pw)
		return false;
	ret->uid = pw->pw_uid;
	if (getgrouplist(name, pw->pw_gid, ret->groups, &n) < 0)
		n = USER_GROUPS_MAX; /* there are more */
	ret->n_groups = (size_t)n;
	return true;
}

void user_add_group(struct user *a, gid_t gid)
{
	if (a->n_groups < USER_GROUPS_MAX)
		a->groups[a->n_groups++] = gid;
}

static bool is_member(const struct user *a, gid_t gid)
{
	size_t i;

	for (i = 0; i < a->n_groups; i++) {
		if (a->groups[i] == gid)
			return true;
	}
	return false;
}

bool user_may(const struct user *a, const struct stat *st, mode_t want)
{
	unsigned int shift = 0;

	if (a->uid == 0)
		return true;
	if (st->st_uid == a->uid)
		shift = 6;
	else if (is_member(a, st->st_gid))
		shift = 3;
	return (st->st_mode >> shift & want) == want;
}
