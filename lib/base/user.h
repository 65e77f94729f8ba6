/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user: a user of this host and the groups that the kernel would give him, and what a mode lets him do
 *
 * Limits   USER_GROUPS_MAX groups; further ones are not known.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { USER_GROUPS_MAX = 256 };

struct user {
	uid_t uid;
	gid_t groups[USER_GROUPS_MAX];
	size_t n_groups;
};

/* The user @name, of whatever nsswitch.conf names.  Return: is there one? */
bool user_find(const char *name, struct user *ret);

void user_add_group(struct user *a, gid_t gid);

/* Does the mode of the node let him do all of @want (of S_IROTH, S_IWOTH, S_IXOTH)?  Access lists are not asked. */
bool user_may(const struct user *a, const struct stat *st, mode_t want);
