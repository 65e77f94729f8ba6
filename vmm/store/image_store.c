/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_store.h"

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
#include "base/file.h"
#include "base/inject.h"
#include "base/str.h"
#include "store/rmtree.h"

static const char gone_mark[] = ".gone-", pull_mark[] = ".pull-";

static int open_store(const char *store, struct err *e)
{
	int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(e, errno, "cannot open '%s'", store) : fd;
}

/* A link to a folder elsewhere, or a folder with something else in it, is its owner's to delete. */
static int check_is_image(int root, const char *name, struct err *e)
{
	auto_close int fd = -1;
	struct stat st;

	if (fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return err_set(e, ERR_NOT_FOUND, "image '%s' not found", name);
		return err_errno(e, errno, "cannot look at image '%s'", name);
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFLICT,
			       "'%s' is not a folder of its own; remove it by hand", name);
	fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, errno, "cannot open image '%s'", name);
	if (fstatat(fd, "metadata.json", &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) {
		return err_set(e, ERR_CONFLICT,
			       "'%s' is not an image: it has no metadata.json; remove it by hand",
			       name);
	}
	return 0;
}

static int make_name(const char *mark, const char *name, char ret[static IMAGE_STORE_ASIDE_SIZE],
		     struct err *e)
{
	uint8_t raw[4];
	char hex[2 * sizeof(raw) + 1];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return err_errno(e, errno, "cannot get random bytes");
	str_hex(hex, raw, sizeof(raw));
	(void)str_format(ret, IMAGE_STORE_ASIDE_SIZE, "%s%s-%s", mark, name, hex);
	return 0;
}

int image_store_hide(const char *store, const char *name, char ret[static IMAGE_STORE_ASIDE_SIZE],
		     struct err *e)
{
	auto_close int root = -1;
	char aside[IMAGE_STORE_ASIDE_SIZE];
	int rc;

	if (!image_name_is_valid(name))
		return err_set(e, ERR_INPUT, "invalid image name");
	root = open_store(store, e);
	rc = root < 0 ? root : check_is_image(root, name, e);
	if (rc == 0)
		rc = make_name(gone_mark, name, aside, e);
	if (rc < 0)
		return rc;
	if (renameat2(root, name, root, aside, RENAME_NOREPLACE) != 0)
		return err_errno(e, errno, "cannot move image '%s' out", name);
	inject_point("images.hidden");
	(void)str_copy(ret, IMAGE_STORE_ASIDE_SIZE, aside);
	return 0;
}

int image_store_stage(const char *store, const char *name, char ret[static IMAGE_STORE_ASIDE_SIZE],
		      struct err *e)
{
	auto_close int root = open_store(store, e);
	char aside[IMAGE_STORE_ASIDE_SIZE];
	int rc = root < 0 ? root : make_name(pull_mark, name, aside, e);

	if (rc < 0)
		return rc;
	if (mkdirat(root, aside, 0700) != 0)
		return err_errno(e, errno, "cannot make a folder in '%s'", store);
	inject_point("images.staged");
	(void)str_copy(ret, IMAGE_STORE_ASIDE_SIZE, aside);
	return 0;
}

int image_store_publish(const char *store, const char *aside, const char *name, struct err *e)
{
	auto_close int root = open_store(store, e), stage = -1;
	int rc;

	if (root < 0)
		return root;
	stage = openat(root, aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (stage < 0)
		return err_errno(e, errno, "cannot open '%s'", aside);
	rc = file_sync_dir(stage, name, e);
	if (rc < 0)
		return rc;
	inject_point("images.complete");
	if (renameat2(stage, name, root, name, RENAME_NOREPLACE) != 0) {
		if (errno == EEXIST)
			return err_set(e, ERR_CONFLICT, "image directory already exists: %s", name);
		return err_errno(e, errno, "cannot move image '%s' in", name);
	}
	inject_point("images.published");
	return file_sync_dir(root, ".", e);
}

int image_store_delete(const char *store, const char *aside, struct err *e)
{
	auto_close int root = open_store(store, e);
	int rc;

	if (root < 0)
		return root;
	rc = file_sync_dir(root, ".", e); /* gone for good before its files go one by one */
	if (rc == 0)
		rc = rmtree(root, aside, NULL, e);
	return rc;
}

/* A folder of our own making.  (The state folder's lock is held.) */
static bool is_leftover(int root, const char *name)
{
	struct stat st;

	return (str_starts(name, gone_mark) || str_starts(name, pull_mark)) &&
	       fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

int image_store_sweep(const char *store, struct err *e)
{
	auto_close int root = open_store(store, e);
	const struct dirent *entry;
	int rc = 0, one;
	struct err why;
	DIR *dir;

	if (root < 0)
		return root;
	dir = opendir(store);
	if (!dir)
		return err_errno(e, errno, "cannot read '%s'", store);
	while ((entry = readdir(dir)) != NULL) {
		one = is_leftover(root, entry->d_name) ? rmtree(root, entry->d_name, NULL, &why)
						       : 0;
		if (one && !rc) {
			rc = one;
			(void)err_set(e, rc, "%s", why.text);
		}
	}
	(void)closedir(dir);
	return rc;
}
