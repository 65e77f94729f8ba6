/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

int pid_file_open(const char *path, struct err *e)
{
	char line[16];
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0644);
	int n, rc;

	if (fd < 0)
		return err_errno(e, errno, "cannot open pid file '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, -EBUSY, "pid file '%s' is locked: a device for this VM runs",
			       path);
	n = str_format(line, sizeof line, "%d\n", (int)getpid());
	if (n < 0 || ftruncate(fd, 0) < 0)
		return err_errno(e, errno, "cannot empty pid file '%s'", path);
	rc = fd_write_all(fd, line, (size_t)n);
	if (rc < 0)
		return err_errno(e, -rc, "cannot write pid file '%s'", path);
	return steal_fd(&fd);
}
