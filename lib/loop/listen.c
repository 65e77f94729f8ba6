/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

enum { BACKLOG = 128 };

static int unix_address(const char *path, struct sockaddr_un *ret, struct err *e)
{
	size_t n = strlen(path);

	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if (n == 0 || n >= sizeof(ret->sun_path)) {
		return err_set(
			e, -ENAMETOOLONG,
			"socket path '%s' has %zu bytes; the kernel takes 1 to %zu, choose a "
			"shorter run folder",
			path, n, sizeof(ret->sun_path) - 1);
	}
	memcpy(ret->sun_path, path, n + 1);
	return 0;
}

static int open_unix(struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? err_errno(e, errno, "opening a unix socket") : fd;
}

int connect_unix(const char *path, struct err *e)
{
	struct sockaddr_un un;
	auto_close int fd = -1;
	int rc = unix_address(path, &un, e);

	if (rc < 0)
		return rc;
	fd = open_unix(e);
	if (fd < 0)
		return steal_fd(&fd);
	/* non-blocking: with a full backlog this is EAGAIN, never a wait */
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		return err_errno(e, errno, "connecting to '%s'", path);
	return steal_fd(&fd);
}

/* Is the name free, or held by a socket that nobody serves? */
static int check_free(const char *path, struct err *e)
{
	struct stat st;
	auto_close int fd = -1;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "looking at '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFLICT, "'%s' is there and is not a socket", path);
	fd = connect_unix(path, NULL);
	if (fd >= 0 || fd == -EAGAIN)
		return err_set(e, ERR_CONFLICT, "'%s' is served by another process", path);
	return 0;
}

int listen_unix(const char *path, mode_t mode, struct err *e)
{
	char aside[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct sockaddr_un un;
	auto_close int fd = -1;
	int rc = check_free(path, e);

	if (rc < 0)
		return rc;
	if (str_format(aside, sizeof(aside), "%s~", path) < 0) {
		return err_set(e, -ENAMETOOLONG,
			       "socket path '%s' has %zu bytes; at most %zu fit, choose a shorter "
			       "run folder",
			       path, strlen(path), sizeof(aside) - 2);
	}
	rc = unix_address(aside, &un, e);
	if (rc < 0)
		return rc;
	fd = open_unix(e);
	if (fd < 0)
		return steal_fd(&fd);
	(void)unlink(aside); /* left by a crash; nobody listens at this name */
	if (bind(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		return err_errno(e, errno, "binding '%s'", path);
	if (chmod(aside, mode) < 0 || listen(fd, BACKLOG) < 0 || rename(aside, path) < 0) {
		rc = err_errno(e, errno, "listening on '%s'", path);
		(void)unlink(aside);
		return rc;
	}
	return steal_fd(&fd);
}

int listen_parse_tcp(const char *address, struct sockaddr_storage *ret, socklen_t *ret_n)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	const char *colon = strrchr(address, ':');
	char host[INET6_ADDRSTRLEN + 2];
	bool is_v6;
	uint32_t port;
	size_t n;

	if (!colon || num_parse_u32(colon + 1, 0, UINT16_MAX, &port) < 0)
		return -EINVAL;
	n = (size_t)(colon - address);
	if (n == 0 || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, address, n);
	host[n] = 0;
	is_v6 = host[0] == '[' && host[n - 1] == ']';
	if (is_v6)
		host[n - 1] = 0;
	memset(ret, 0, sizeof(*ret));
	if (ret_n)
		*ret_n = is_v6 ? sizeof(*in6) : sizeof(*in);
	if (is_v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

int listen_parse(const char *address, struct sockaddr_storage *ret, socklen_t *ret_n)
{
	static const char scheme[] = "unix:";
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!str_starts(address, scheme))
		return listen_parse_tcp(address, ret, ret_n);
	address += strlen(scheme);
	if (*address != '/' || str_copy(un.sun_path, sizeof(un.sun_path), address) < 0)
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &un, sizeof(un));
	if (ret_n)
		*ret_n = sizeof(un);
	return 0;
}

int listen_tcp(const char *address, struct err *e)
{
	struct sockaddr_storage sa;
	auto_close int fd = -1;
	socklen_t n = 0;
	int on = 1;

	if (listen_parse_tcp(address, &sa, &n) < 0) {
		return err_set(e, ERR_INPUT,
			       "'%s' is not an address; write 127.0.0.1:8000 or [::1]:8000",
			       address);
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(e, errno, "opening a socket for '%s'", address);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&sa, n) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(e, errno, "listening on '%s'", address);
	return steal_fd(&fd);
}

int listen_vsock(uint32_t cid, uint32_t port, struct err *e)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPERM)) {
		return err_set(e, ERR_MISSING,
			       "this host has no vsock; run 'modprobe vhost_vsock', or set the "
			       "vsock carrier to bailey-vsock");
	}
	if (fd < 0)
		return err_errno(e, errno, "opening a vsock socket");
	if (bind(fd, (const struct sockaddr *)&vm, sizeof(vm)) == 0 && listen(fd, BACKLOG) == 0)
		return steal_fd(&fd);
	if (errno == EADDRNOTAVAIL) {
		return err_set(e, ERR_MISSING,
			       "vsock CID %u is not available on this host; run 'modprobe "
			       "vhost_vsock', or set the vsock carrier to bailey-vsock",
			       cid);
	}
	return err_errno(e, errno, "listening on vsock %u:%u", cid, port);
}
