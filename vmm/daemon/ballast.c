/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

int ballast_open(const char *state, struct err *e)
{
	auto_free char *path = xasprintf("%s/ballast", state);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(e, errno, "cannot open '%s'", path);
	return steal_fd(&fd);
}

int ballast_spend(int fd)
{
	struct stat st;
	off_t size;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
		return -ENOSPC;
	size = st.st_size > BALLAST_PIECE ? st.st_size - BALLAST_PIECE : 0;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

int ballast_fill(int fd)
{
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -EBADF;
	if (st.st_size >= BALLAST_SIZE)
		return 0;
	/* All or nothing: where there is no room for all of it, others need what there is. */
	if (fallocate(fd, 0, st.st_size, BALLAST_SIZE - st.st_size) == 0)
		return 0;
	rc = -errno;
	return ftruncate(fd, st.st_size) < 0 ? -errno : rc;
}
