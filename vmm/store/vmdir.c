/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vmdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/str.h"
#include "store/manifest.h"
#include "store/rmtree.h"
#include "store/state.h"

static const char new_mark[] = ".new-", removing_name[] = ".removing";

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int write_shared(int shared, const char *name, const void *p, size_t n, struct err *e)
{
	int rc = n ? file_replace(shared, name, 0600, p, n, e) : 0;

	return rc ? err_wrap(e, rc, "shared folder") : 0;
}

static int write_app_id(int shared, const char *app_id, struct err *e)
{
	char text[256];
	int n = str_format(text, sizeof(text), "{\"app_id\":\"%s\"}", app_id);

	if (n < 0)
		return err_set(e, ERR_INPUT, "app_id is too long");
	if (file_replace(shared, ".instance_info", 0600, text, (size_t)n, e))
		return err_wrap(e, -EIO, "shared folder");
	return write_shared(shared, ".instance-info", text, (size_t)n, e);
}

static int fill_shared(int dirfd, const struct manifest *m, const struct vmdir_files *f,
		       struct err *e)
{
	const char *config = f->user_config ? f->user_config : "";
	auto_close int shared = -1;
	int rc = file_mkdir(dirfd, "shared", 0700, e);

	if (rc)
		return rc;
	inject_point("vmdir.shared-made");
	shared = open_dir(dirfd, "shared");
	if (shared < 0)
		return err_errno(e, errno, "cannot open the shared folder");
	rc = file_replace(shared, "app-compose.json", 0600, f->compose, f->n_compose, e);
	if (!rc)
		rc = write_shared(shared, ".encrypted-env", f->encrypted_env, f->n_encrypted_env,
				  e);
	if (!rc)
		rc = write_shared(shared, ".user-config", config, strlen(config), e);
	if (!rc && *m->app_id)
		rc = write_app_id(shared, m->app_id, e);
	return rc;
}

static int fill(int dirfd, const struct manifest *m, const struct vm_state *s,
		const struct vmdir_files *files, struct err *e)
{
	int rc = fill_shared(dirfd, m, files, e);

	if (!rc)
		rc = manifest_save(dirfd, m, e);
	if (!rc)
		rc = vm_state_save(dirfd, s, e);
	if (!rc)
		rc = file_sync_dir(dirfd, ".", e);
	inject_point("vmdir.filled");
	return rc;
}

/* RENAME_NOREPLACE: an id that is taken, even by an empty folder, stays its owner's. */
static int publish(int root, const char *aside, const char *id, struct err *e)
{
	int rc;

	if (renameat2(root, aside, root, id, RENAME_NOREPLACE) < 0) {
		if (errno == EEXIST)
			return err_set(e, ERR_CONFLICT, "a VM with the id %s exists", id);
		return err_errno(e, errno, "cannot move the new folder in");
	}
	inject_point("vmdir.published");
	rc = file_sync_dir(root, ".", e);
	inject_point("vmdir.kept");
	return rc;
}

int vmdir_create(int root, const struct manifest *m, const struct vm_state *s,
		 const struct vmdir_files *files, struct err *e)
{
	char aside[sizeof(new_mark) + VM_ID_MAX];
	auto_close int dirfd = -1;
	int rc;

	(void)str_format(aside, sizeof(aside), "%s%s", new_mark, m->id);
	if (mkdirat(root, aside, 0700) < 0)
		return err_errno(e, errno, "cannot make the folder of VM %s", m->id);
	inject_point("vmdir.made");
	dirfd = open_dir(root, aside);
	rc = dirfd < 0 ? err_errno(e, errno, "cannot open %s", aside) : fill(dirfd, m, s, files, e);
	if (!rc)
		rc = publish(root, aside, m->id, e);
	if (rc)
		(void)rmtree(root, aside, NULL, NULL); /* the first error is the one to report */
	return rc;
}

int vmdir_open(int root, const char *id, struct err *e)
{
	int fd = open_dir(root, id);

	return fd < 0 ? err_errno(e, errno, "cannot open the folder of VM %s", id) : fd;
}

static int grant_one(int at, const char *name, gid_t gid, mode_t mode, struct err *e)
{
	if (fchownat(at, name, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(at, name, mode, 0) < 0)
		return err_errno(e, errno, "cannot let QEMU's user read '%s'", name);
	return 0;
}

static int grant_shared(int at, gid_t gid, struct err *e)
{
	auto_close int fd = open_dir(at, "shared");
	struct dirent *d;
	DIR *dir;
	int rc;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_errno(e, errno, "cannot read the shared folder");
	(void)steal_fd(&fd); /* closedir() closes it */
	rc = grant_one(at, "shared", gid, 0750, e);
	while (!rc && (d = readdir(dir)) != NULL) {
		if (d->d_type == DT_REG)
			rc = grant_one(dirfd(dir), d->d_name, gid, 0640, e);
	}
	(void)closedir(dir);
	return rc;
}

int vmdir_grant(int dirfd, gid_t gid, bool with_shared, struct err *e)
{
	inject_point("vmdir.granting");
	if (fchown(dirfd, (uid_t)-1, gid) < 0 || fchmod(dirfd, 0710) < 0)
		return err_errno(e, errno, "cannot let QEMU's user into the VM's folder");
	return with_shared ? grant_shared(dirfd, gid, e) : 0;
}

/* Ours: a folder of our own with a valid id after the mark.  (The state folder's lock is held.) */
static bool is_leftover(int root, const char *name)
{
	struct stat st;

	return str_starts(name, new_mark) && vm_id_is_valid(name + sizeof(new_mark) - 1) &&
	       fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

static enum vmdir_found judge(int root, const char *name)
{
	auto_close int fd = vm_id_is_valid(name) ? open_dir(root, name) : -1;

	if (fd < 0)
		return VMDIR_UNKNOWN;
	return faccessat(fd, removing_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? VMDIR_REMOVING
									    : VMDIR_VM;
}

typedef void (*found_fn)(const char *name, enum vmdir_found what, void *arg);

static int scan(int root, bool sweeps, found_fn fn, void *arg, struct err *e)
{
	auto_close int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *d;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return err_errno(e, errno, "cannot read the folder of VMs");
	(void)steal_fd(&fd); /* closedir() closes it */
	while ((d = readdir(dir)) != NULL) {
		if (str_equal(d->d_name, ".") || str_equal(d->d_name, ".."))
			continue;
		if (!is_leftover(root, d->d_name))
			fn(d->d_name, judge(root, d->d_name), arg);
		else if (sweeps)
			(void)rmtree(root, d->d_name, NULL, NULL); /* what stays is tried again */
	}
	(void)closedir(dir);
	return 0;
}

int vmdir_scan(int root, found_fn fn, void *arg, struct err *e)
{
	return scan(root, true, fn, arg, e);
}

int vmdir_look(int root, found_fn fn, void *arg, struct err *e)
{
	return scan(root, false, fn, arg, e);
}

int vmdir_mark_removing(int dirfd, struct err *e)
{
	return file_replace(dirfd, removing_name, 0600, "", 0, e);
}

int vmdir_remove(int root, const char *id, struct err *e)
{
	int rc = rmtree(root, id, removing_name, e);

	inject_point("vmdir.removed");
	return rc ? rc : file_sync_dir(root, ".", e);
}

int vmdir_write_instance_info(int dirfd, const void *p, size_t n, struct err *e)
{
	static const char *const names[] = { ".instance_info", ".instance-info" };
	auto_close int shared = open_dir(dirfd, "shared");
	struct stat st;
	size_t i;
	int rc;

	if (shared < 0 || fstat(shared, &st) < 0)
		return err_errno(e, errno, "cannot open the shared folder");
	for (i = 0; i < 2; i++) {
		/* Who may read the folder may read what is in it. */
		rc = file_replace(shared, names[i], st.st_mode & 0040 ? 0640 : 0600, p, n, e);
		if (rc)
			return rc;
		inject_point("instance-info.written");
		if (fchownat(shared, names[i], (uid_t)-1, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(e, errno, "cannot hand over '%s'", names[i]);
	}
	return 0;
}
