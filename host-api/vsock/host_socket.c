/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/host_socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

enum { BACKLOG = 128 };

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* What is there must be a socket of one who died: the pid file's lock says that nobody lives. */
static int check_place(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "'%s' is there and is not a socket", path);
	return 0;
}

int host_socket_listen(const char *path, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_close int fd = -1;
	int rc = check_place(path, e);

	if (rc < 0)
		return rc;
	if (str_format(a.sun_path, sizeof a.sun_path, "%s~", path) < 0) {
		return err_set(e, -ENAMETOOLONG,
			       "socket path '%s' is longer than %zu bytes: use a shorter folder",
			       path, sizeof a.sun_path - 2);
	}
	fd = new_socket();
	if (fd < 0)
		return err_errno(e, errno, "cannot make a unix socket");
	(void)unlink(a.sun_path); /* if it stays, bind says why */
	if (bind(fd, (const struct sockaddr *)&a, sizeof a) < 0)
		return err_errno(e, errno, "cannot bind socket '%s'", path);
	/* who sees the path can connect to it */
	if (listen(fd, BACKLOG) < 0 || rename(a.sun_path, path) < 0)
		return err_errno(e, errno, "cannot listen on socket '%s'", path);
	return steal_fd(&fd);
}

int host_socket_connect(void *uds, uint32_t port)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_close int fd = -1;

	if (str_format(a.sun_path, sizeof a.sun_path, "%s_%u", (const char *)uds, port) < 0)
		return -ENAMETOOLONG;
	fd = new_socket();
	if (fd < 0)
		return -errno;
	/* never waits: a listener whose queue is full refuses with EAGAIN */
	if (connect(fd, (const struct sockaddr *)&a, sizeof a) < 0)
		return -errno;
	return steal_fd(&fd);
}
