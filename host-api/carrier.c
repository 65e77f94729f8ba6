/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime: a carrier_connect lives until its two handles are closed.  Its fd is handed on when the poll
 * handle is closing: libuv has let go of the fd by then.
 */
#include "host-api/carrier.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/listen.h"

enum { TIMEOUT_MS = 10 * 1000 };

struct carrier_connect {
	uv_poll_t poll;
	uv_timer_t deadline;
	unsigned int n_handles;
	int fd;
	bool is_kernel;
	uint32_t port;
	unsigned int timeout_ms;
	char line[CARRIER_LINE_MAX];
	size_t n_line;
	carrier_connected_fn done;
	void *arg;
};

int carrier_listen_unix(const char *uds, uint32_t port, mode_t mode, struct err *e)
{
	char path[CARRIER_PATH_MAX + 16];

	if (str_format(path, sizeof(path), "%s_%u", uds, port) < 0)
		return err_set(e, -ENAMETOOLONG, "vsock path '%s' is longer than %d bytes", uds,
			       CARRIER_PATH_MAX);
	return listen_unix(path, mode, e);
}

int carrier_listen_kernel(uint32_t port, struct err *e)
{
	return listen_vsock(CARRIER_HOST_CID, port, e);
}

ssize_t carrier_ok_line(const void *p, size_t n)
{
	static const char ok[] = "OK ";
	const char *s = p;
	size_t i;

	for (i = 0; i < n && i < CARRIER_LINE_MAX; i++) {
		if (i < strlen(ok)) {
			if (s[i] != ok[i])
				return ERR_PROTO;
		} else if (s[i] == '\n') {
			return i > strlen(ok) ? (ssize_t)i + 1 : ERR_PROTO;
		} else if (!isdigit((unsigned char)s[i])) {
			return ERR_PROTO;
		}
	}
	return i < CARRIER_LINE_MAX ? 0 : ERR_PROTO;
}

static void on_closed(uv_handle_t *h)
{
	struct carrier_connect *c = h->data;

	if (--c->n_handles > 0)
		return;
	(void)fd_close(c->fd);
	free(c);
}

static void close_both(struct carrier_connect *c)
{
	uv_close((uv_handle_t *)&c->poll, on_closed);
	uv_close((uv_handle_t *)&c->deadline, on_closed);
}

void carrier_connect_cancel(struct carrier_connect *c)
{
	if (c)
		close_both(c);
}

static void end(struct carrier_connect *c, int rc, const struct err *e)
{
	int fd = rc < 0 ? -1 : steal_fd(&c->fd);

	close_both(c);
	c->done(c->arg, fd, rc < 0 ? e : NULL);
}

static void on_deadline(uv_timer_t *t)
{
	struct carrier_connect *c = t->data;
	struct err e = ERR_NONE;

	end(c,
	    err_set(&e, -ETIMEDOUT, "guest port %u did not answer within %u ms", c->port,
		    c->timeout_ms),
	    &e);
}

/* A byte at a time: what follows the line belongs to the stream. */
static int read_ok(struct carrier_connect *c, struct err *e)
{
	ssize_t n;

	while ((n = recv(c->fd, c->line + c->n_line, 1, MSG_DONTWAIT)) == 1) {
		c->n_line++;
		n = carrier_ok_line(c->line, c->n_line);
		if (n > 0)
			return 1;
		if (n < 0)
			return err_set(e, ERR_PROTO, "the vsock carrier did not answer OK");
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_errno(e, errno, "connecting to guest port %u", c->port);
	return err_set(e, -ECONNREFUSED, "guest port %u is closed", c->port);
}

static int kernel_connected(struct carrier_connect *c, struct err *e)
{
	int why = 0;
	socklen_t n = sizeof(why);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0)
		why = errno;
	return why ? err_errno(e, why, "connecting to guest port %u", c->port) : 1;
}

static void on_event(uv_poll_t *p, int status, int events)
{
	struct carrier_connect *c = p->data;
	struct err e = ERR_NONE;
	int rc;

	(void)status; /* the socket's own error is told below */
	(void)events;
	rc = c->is_kernel ? kernel_connected(c, &e) : read_ok(c, &e);
	if (rc != 0)
		end(c, rc, &e);
}

static int open_unix(const struct carrier_address *a, uint32_t port, struct err *e)
{
	auto_close int fd = connect_unix(a->uds, e);
	char line[CARRIER_LINE_MAX];
	int n;

	if (fd < 0)
		return steal_fd(&fd);
	n = str_format(line, sizeof(line), "CONNECT %u\n", port);
	assert(n > 0);
	/* a fresh socket takes a line whole */
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		return err_set(e, -EIO, "asking '%s' for guest port %u", a->uds, port);
	return steal_fd(&fd);
}

static int open_kernel(const struct carrier_address *a, uint32_t port, struct err *e)
{
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK, .svm_cid = a->cid, .svm_port = port };
	auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_errno(e, errno, "opening a vsock socket");
	if (connect(fd, (const struct sockaddr *)&vm, sizeof(vm)) < 0 && errno != EINPROGRESS)
		return err_errno(e, errno, "connecting to vsock %u:%u", a->cid, port);
	return steal_fd(&fd);
}

int carrier_connect(struct carrier_connect **ret, const struct carrier_connect_options *o,
		    carrier_connected_fn done, void *arg, struct err *e)
{
	const struct carrier_address *a = o->address;
	struct carrier_connect *c;
	int fd = a->uds[0] ? open_unix(a, o->port, e) : open_kernel(a, o->port, e);
	int rc;

	if (fd < 0)
		return fd;
	c = xnew(struct carrier_connect);
	c->fd = fd;
	c->is_kernel = !a->uds[0];
	c->port = o->port;
	c->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	c->done = done;
	c->arg = arg;
	rc = uv_poll_init(o->loop, &c->poll, fd);
	if (rc < 0) {
		(void)fd_close(fd);
		free(c);
		return err_set(e, rc, "watching a connection: %s", uv_strerror(rc));
	}
	(void)uv_timer_init(o->loop, &c->deadline);
	c->poll.data = c;
	c->deadline.data = c;
	c->n_handles = 2;
	(void)uv_timer_start(&c->deadline, on_deadline, c->timeout_ms, 0);
	(void)uv_poll_start(&c->poll, c->is_kernel ? UV_WRITABLE : UV_READABLE, on_event);
	*ret = c;
	return 0;
}
