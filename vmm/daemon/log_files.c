/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"

static const char *const names[] = { "serial.log", "vsock.log" };

/* .2 becomes .3, .1 becomes .2; the last one goes. */
static void shift(int dirfd, const char *name)
{
	char from[64], to[64];
	int i;

	for (i = LOG_FILES_KEPT - 1; i >= 1; i--) {
		(void)str_format(from, sizeof(from), "%s.%d", name, i);
		(void)str_format(to, sizeof(to), "%s.%d", name, i + 1);
		(void)renameat(dirfd, from, dirfd, to); /* there may be none */
	}
}

static int begin_one(int dirfd, const char *name, struct err *e)
{
	char first[64];
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_size == 0)
		return 0;
	shift(dirfd, name);
	(void)str_format(first, sizeof(first), "%s.1", name);
	if (renameat(dirfd, name, dirfd, first) < 0)
		return err_errno(e, errno, "cannot move %s away", name);
	return 0;
}

static int make_serial(int dirfd, gid_t reader, struct err *e)
{
	auto_close int fd = openat(dirfd, "serial.log",
				   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	char stamp[32], line[80];
	int n;

	if (fd < 0)
		return err_errno(e, errno, "cannot make serial.log");
	if (reader != (gid_t)-1 && (fchown(fd, (uid_t)-1, reader) < 0 || fchmod(fd, 0660) < 0))
		return err_errno(e, errno, "cannot let QEMU's user write serial.log");
	n = str_format(line, sizeof(line), "\n===== boot @ %s =====\n\n",
		       time_rfc3339(stamp, sizeof(stamp), time_unix_ms() / 1000));
	n = fd_write_all(fd, line, (size_t)n);
	return n ? err_errno(e, -n, "cannot write serial.log") : 0;
}

int log_files_begin(int dirfd, gid_t reader, struct err *e)
{
	size_t i;
	int rc;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		rc = begin_one(dirfd, names[i], e);
		if (rc)
			return rc;
	}
	(void)unlinkat(dirfd, "serial.pty", 0); /* of the last boot */
	return make_serial(dirfd, reader, e);
}

/* What is written between the copy and the cut is lost: the price of a writer that cannot reopen. */
static int trim_one(int dirfd, const char *name, struct err *e)
{
	auto_close int from =
		openat(dirfd, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	auto_close int to = -1;
	char first[64], note[128], stamp[32];
	off_t at = 0, size;
	struct stat st;
	int n;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= LOG_FILE_MAX)
		return 0;
	size = st.st_size;
	if (size > 2 * (off_t)LOG_FILE_MAX)
		at = size - LOG_FILE_MAX; /* a flood: its last part will do */
	shift(dirfd, name);
	(void)str_format(first, sizeof(first), "%s.1", name);
	to = openat(dirfd, first, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return err_errno(e, errno, "cannot make %s", first);
	while (at < size) {
		if (sendfile(to, from, &at, (size_t)(size - at)) <= 0)
			break;
	}
	if (ftruncate(from, 0) < 0)
		return err_errno(e, errno, "cannot cut %s", name);
	n = str_format(note, sizeof(note), "\n===== rotated %lld bytes to %s @ %s =====\n\n",
		       (long long)size, first,
		       time_rfc3339(stamp, sizeof(stamp), time_unix_ms() / 1000));
	(void)fd_write_all(from, note, (size_t)n); /* the log goes on without it */
	return 0;
}

int log_files_trim(int dirfd, struct err *e)
{
	size_t i;
	int rc;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		rc = trim_one(dirfd, names[i], e);
		if (rc)
			return rc;
	}
	return 0;
}
