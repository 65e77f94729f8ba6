/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

int own_file_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_errno(e, errno, "cannot read '%s'", path);
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		return err_set(e, ERR_INPUT,
			       "'%s' belongs to user %u; it must belong to the user that runs us, "
			       "or to root",
			       path, st.st_uid);
	}
	if (st.st_mode & 077)
		return err_set(e, ERR_INPUT, "'%s' can be read by others; run: chmod 600 %s", path,
			       path);
	return file_read_secret(AT_FDCWD, path, max, ret, e);
}
