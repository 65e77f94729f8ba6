/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/host_call.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "guest-stub/vsock_url.h"
#include "loop/http_wire.h"

#define VERSION_PREFIX "HTTP/1."

enum {
	STATUS_LINE_MIN = 13, /* "HTTP/1.1 200 " */
	HEAD_MAX = 512,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int host_call_status(const void *p, size_t n)
{
	const char *s = p;
	size_t known = strlen(VERSION_PREFIX);

	if (n > 0 && memcmp(s, VERSION_PREFIX, n < known ? n : known) != 0)
		return ERR_PROTO;
	if (n < STATUS_LINE_MIN)
		return 0;
	if (!is_digit(s[7]) || s[8] != ' ' || s[9] < '1' || s[9] > '5' || !is_digit(s[10]) ||
	    !is_digit(s[11]) || (s[12] != ' ' && s[12] != '\r'))
		return ERR_PROTO;
	return (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
}

/* Wait until @fd is ready for @events.  Return: 0, or -ETIMEDOUT. */
static int ready(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int r;

	do {
		now = time_mono_ms();
		if (now >= deadline)
			return -ETIMEDOUT;
		r = poll(&p, 1, (int)(deadline - now));
	} while (r < 0 && errno == EINTR);
	return r > 0 ? 0 : -ETIMEDOUT;
}

static int send_all(int fd, const struct buf *b, uint64_t deadline)
{
	size_t sent = 0;
	ssize_t r;

	while (sent < b->n) {
		if (ready(fd, POLLOUT, deadline) < 0)
			return -ETIMEDOUT;
		r = send(fd, b->p + sent, b->n - sent, MSG_NOSIGNAL);
		if (r < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		sent += r > 0 ? (size_t)r : 0;
	}
	return 0;
}

/* Read to the end of the reply or to the limit, so that the host is not reset in mid-sentence. */
static int receive(int fd, uint64_t deadline)
{
	char reply[HOST_CALL_REPLY_MAX];
	size_t have = 0;
	ssize_t r = 1;

	while (r != 0 && have < sizeof(reply)) {
		if (ready(fd, POLLIN, deadline) < 0)
			break;
		r = recv(fd, reply + have, sizeof(reply) - have, 0);
		if (r < 0 && errno != EAGAIN && errno != EINTR)
			break;
		have += r > 0 ? (size_t)r : 0;
		if (host_call_status(reply, have) < 0)
			return ERR_PROTO;
	}
	return host_call_status(reply, have);
}

static int say(const struct host_call *c, int fd, uint64_t deadline, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(HEAD_MAX + c->n);
	int r;

	r = buf_addf(&b,
		     "POST %s/%s?json HTTP/1.1\r\nHost: %u:%u\r\nConnection: close\r\n"
		     "Content-Length: %zu\r\n\r\n",
		     c->url->path, c->method, c->url->cid, c->url->port, c->n);
	if (r == 0)
		r = buf_add(&b, c->body, c->n);
	if (r == 0)
		r = fd_set_nonblocking(fd, true);
	if (r == 0)
		r = send_all(fd, &b, deadline);
	return r < 0 ? err_errno(e, -r, "send %s", c->method) : 0;
}

int host_call_over(const struct host_call *c, int fd, int *ret_status, struct err *e)
{
	uint64_t deadline = time_mono_ms() + c->timeout_ms;
	int r = say(c, fd, deadline, e);

	if (r < 0)
		return r;
	r = receive(fd, deadline);
	if (r == 0)
		return err_set(e, -ETIMEDOUT, "%s: the host does not answer", c->method);
	if (r < 0)
		return err_set(e, r, "%s: the host's answer is not HTTP", c->method);
	*ret_status = r;
	return 0;
}

/* The next bytes of an answer into @w.  Return: as http_wire_feed(). */
static int take(const struct host_call *c, int fd, uint64_t deadline, struct http_wire *w,
		struct buf *body, struct err *e)
{
	char piece[HOST_CALL_REPLY_MAX];
	ssize_t n;

	if (ready(fd, POLLIN, deadline) < 0)
		return err_set(e, -ETIMEDOUT, "the host does not answer in %u s",
			       c->timeout_ms / 1000);
	n = recv(fd, piece, sizeof(piece), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : err_errno(e, errno, "answer");
	return n == 0 ? http_wire_end(w, e) : http_wire_feed(w, piece, (size_t)n, body, e);
}

int host_call_read_over(const struct host_call *c, int fd, int *ret_status, struct buf *body,
			struct err *e)
{
	uint64_t deadline = time_mono_ms() + c->timeout_ms;
	auto_free struct http_wire *w = xnew(struct http_wire);
	int r = say(c, fd, deadline, e);

	if (r < 0)
		return r;
	do
		r = take(c, fd, deadline, w, body, e);
	while (r == 0);
	if (r < 0)
		return err_wrap(e, r, "%s", c->method);
	*ret_status = w->status;
	return 0;
}

static int dial(const struct vsock_url *u, unsigned int timeout_ms, struct err *e)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = u->cid, .svm_port = u->port };
	struct timeval wait = { .tv_sec = timeout_ms / 1000,
				.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	auto_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(e, errno, "vsock socket");
	if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &wait, sizeof(wait)) < 0)
		return err_errno(e, errno, "vsock connect timeout");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_errno(e, errno, "connect to vsock %u:%u", u->cid, u->port);
	return steal_fd(&fd);
}

int host_call_run(const struct host_call *c, int *ret_status, struct err *e)
{
	auto_close int fd = dial(c->url, c->timeout_ms, e);

	return fd < 0 ? fd : host_call_over(c, fd, ret_status, e);
}

int host_call_read(const struct host_call *c, int *ret_status, struct buf *body, struct err *e)
{
	auto_close int fd = dial(c->url, c->timeout_ms, e);

	return fd < 0 ? fd : host_call_read_over(c, fd, ret_status, body, e);
}
