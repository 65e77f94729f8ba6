/* SPDX-License-Identifier: Apache-2.0 */
/* check_access: users and what they may enter */
#include "check/check_parts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/user.h"
#include "data/json.h"

static bool find_below(const struct check_host *h, const char *name, struct user *ret)
{
	char path[PATH_MAX];
	auto_fclose FILE *users = fopen(check_path(h, "/etc/passwd", path), "re");
	auto_fclose FILE *groups = fopen(check_path(h, "/etc/group", path), "re");
	const struct passwd *pw = NULL;
	const struct group *gr;
	size_t i;

	while (users && (pw = fgetpwent(users)) && !str_equal(pw->pw_name, name))
		;
	if (!pw)
		return false;
	ret->uid = pw->pw_uid;
	user_add_group(ret, pw->pw_gid);
	while (groups && (gr = fgetgrent(groups))) {
		for (i = 0; gr->gr_mem[i]; i++) {
			if (str_equal(gr->gr_mem[i], name))
				user_add_group(ret, gr->gr_gid);
		}
	}
	return true;
}

static bool find(const struct check_host *h, const char *name, struct user *ret)
{
	*ret = (struct user){ .n_groups = 0 };
	return *h->root ? find_below(h, name, ret) : user_find(name, ret);
}

void check_users(const struct check_host *h, struct check_row *r)
{
	const char *user = check_fact(h, "user"), *qemu = check_fact(h, "qemu_user");
	const char *wanted[] = { *user ? user : "root", *qemu ? qemu : NULL };
	char kvm[PATH_MAX], remedy[CHECK_REMEDY_MAX];
	struct user a;
	struct stat st;
	size_t i;
	bool has_kvm = stat(check_path(h, "/dev/kvm", kvm), &st) == 0;

	for (i = 0; i < 2 && wanted[i]; i++) {
		if (!find(h, wanted[i], &a)) {
			check_bad(r, CHECK_MISSING,
				  "install libvirt-daemon-system, which makes libvirt-qemu; "
				  "systemd-sysusers makes bailey",
				  "there is no user %.60s", wanted[i]);
			return;
		}
		if (has_kvm && !user_may(&a, &st, S_IROTH | S_IWOTH)) {
			(void)snprintf(remedy, sizeof(remedy),
				       "usermod -aG kvm %.60s (the group of /dev/kvm), then start "
				       "baileyd again",
				       wanted[i]);
			check_bad(r, CHECK_WARN, remedy, "%.60s may not use /dev/kvm", wanted[i]);
			return;
		}
	}
	if (str_equal(wanted[0], "root") && !*qemu)
		check_bad(r, CHECK_WARN,
			  "install libvirt-daemon-system, or run baileyd as a user of its own",
			  "QEMU would run as root");
	else
		check_ok(r, "baileyd: %.60s, QEMU: %.60s", wanted[0], *qemu ? qemu : wanted[0]);
}

/* The first folder on the way to @path that keeps @a out.  Folders that are not there yet keep nobody out. */
static bool is_kept_out(const struct check_host *h, const struct user *a, const char *path,
			char *ret, size_t size)
{
	char full[PATH_MAX];
	struct stat st;
	size_t n;

	for (n = 1; n <= strlen(path); n++) {
		if (path[n] && path[n] != '/')
			continue;
		if (str_format(ret, size, "%.*s", (int)n, path) < 0 ||
		    stat(check_path(h, ret, full), &st) < 0)
			return false;
		if (!user_may(a, &st, S_IXOTH))
			return true;
	}
	return false;
}

void check_folders(const struct check_host *h, struct check_row *r)
{
	const char *qemu = check_fact(h, "qemu_user");
	const char *paths[] = { check_fact(h, "state"), check_fact(h, "run") };
	char where[1024], remedy[CHECK_REMEDY_MAX];
	struct user a;
	size_t i;

	if (!h->facts) {
		check_bad(r, CHECK_WARN, "", "not known: baileyd could not be asked");
		return;
	}
	if (!*qemu || !find(h, qemu, &a)) {
		check_ok(r, "%.100s, %.100s", paths[0], paths[1]);
		return;
	}
	for (i = 0; i < 2; i++) {
		if (!is_kept_out(h, &a, paths[i], where, sizeof(where)))
			continue;
		(void)snprintf(remedy, sizeof(remedy),
			       "chmod o+x %.200s, or choose another state or run folder", where);
		check_bad(r, CHECK_MISSING, remedy, "%.60s may not enter %.150s", qemu, where);
		return;
	}
	check_ok(r, "%.60s may enter %.80s and %.80s", qemu, paths[0], paths[1]);
}
