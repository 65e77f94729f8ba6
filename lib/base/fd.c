/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int fd_close(int fd)
{
	if (fd >= 0)
		(void)close(fd); /* nothing is buffered in us, so nothing can be lost here */
	return -1;
}

int fd_write_all(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;
	ssize_t rc;

	while (n > 0) {
		rc = write(fd, at, n);
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return -errno;
		at += rc;
		n -= (size_t)rc;
	}
	return 0;
}

ssize_t fd_read_full(int fd, void *p, size_t n)
{
	uint8_t *at = p;
	size_t have = 0;
	ssize_t rc;

	while (have < n) {
		rc = read(fd, at + have, n - have);
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return -errno;
		if (rc == 0)
			break;
		have += (size_t)rc;
	}
	return (ssize_t)have;
}

int fd_set_nonblocking(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}
