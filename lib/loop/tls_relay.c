/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each direction is a buffer, the end of its source, and whether the other side was told of that end.  A half-close
 * goes through either way: the client's end becomes the app's, the app's becomes close_notify and a FIN.
 * When the app has gone altogether, what it said still goes out; what comes for it is dropped.
 */
#include "loop/tls_front_parts.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "crypto/tls.h"

/* Records at one look, so that a fast client does not hold up others. */
enum { TURNS = 4 };

static bool has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* TLS says for what it waits.  Return: 0; negative if it is something else. */
static int wait_for(struct tls_relay *r, ssize_t rc)
{
	if (rc == TLS_WANT_READ)
		r->net |= UV_READABLE;
	else if (rc == TLS_WANT_WRITE)
		r->net |= UV_WRITABLE;
	else
		return (int)rc;
	return 0;
}

static ssize_t send_some(int fd, const void *p, size_t n)
{
	ssize_t r;

	do {
		r = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static ssize_t receive_some(int fd, void *p, size_t n)
{
	ssize_t r;

	do {
		r = recv(fd, p, n, MSG_DONTWAIT);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static void sent(struct tls_relay *r, struct tls_flow *f, ssize_t n)
{
	f->at += (size_t)n;
	f->n -= (size_t)n;
	r->moved = true;
}

/* From the client.  Return: 1 go on, 0 wait, negative. */
static int fill_up(struct tls_relay *r, struct tls *t)
{
	ssize_t n = tls_read(t, r->up.room, sizeof(r->up.room), NULL);

	if (n < 0)
		return wait_for(r, n);
	r->up.at = 0;
	r->up.n = (size_t)n;
	r->up.is_eof = n == 0;
	r->has_asked = r->has_asked || n > 0;
	r->is_answered = false;
	return 1;
}

/* To the app. */
static int empty_up(struct tls_relay *r, int app_fd)
{
	ssize_t n = r->is_app_gone ? -EPIPE : send_some(app_fd, r->up.room + r->up.at, r->up.n);

	if (n == -EAGAIN) {
		r->app |= UV_WRITABLE;
		return 0;
	}
	if (n < 0) {
		r->is_app_gone = r->is_app_gone || has_hung_up(app_fd);
		n = (ssize_t)r->up.n; /* nobody reads it */
	}
	sent(r, &r->up, n);
	return 1;
}

static int step_up(struct tls_relay *r, struct tls *t, int app_fd)
{
	int i, rc = 1;

	for (i = 0; i < TURNS && rc > 0 && !r->up.is_over; i++) {
		if (r->up.n == 0 && !r->up.is_eof)
			rc = fill_up(r, t);
		while (rc > 0 && r->up.n > 0)
			rc = empty_up(r, app_fd);
		if (rc > 0 && r->up.is_eof) {
			(void)shutdown(app_fd, SHUT_WR);
			r->up.is_over = true;
			r->moved = true;
		}
	}
	if (rc > 0 && !r->up.is_over)
		r->net |= UV_READABLE;
	return rc < 0 ? rc : 0;
}

/* From the app. */
static int fill_down(struct tls_relay *r, int app_fd)
{
	ssize_t n = receive_some(app_fd, r->down.room, sizeof(r->down.room));

	if (n == -EAGAIN) {
		r->app |= UV_READABLE;
		return 0;
	}
	r->down.at = 0;
	r->down.n = n > 0 ? (size_t)n : 0;
	r->down.is_eof = n <= 0;
	if (r->down.is_eof && has_hung_up(app_fd))
		r->is_app_gone = true;
	return 1;
}

/* To the client. */
static int empty_down(struct tls_relay *r, struct tls *t)
{
	ssize_t n = tls_write(t, r->down.room + r->down.at, r->down.n, NULL);

	if (n < 0)
		return wait_for(r, n);
	sent(r, &r->down, n);
	r->is_answered = r->down.n == 0;
	return 1;
}

static int step_down(struct tls_relay *r, struct tls *t, int net_fd, int app_fd)
{
	int i, rc = 1;

	for (i = 0; i < TURNS && rc > 0 && !r->down.is_over; i++) {
		if (r->down.n == 0 && !r->down.is_eof)
			rc = fill_down(r, app_fd);
		while (rc > 0 && r->down.n > 0)
			rc = empty_down(r, t);
		if (rc > 0 && r->down.is_eof) {
			rc = tls_end(t, NULL);
			rc = rc < 0 ? wait_for(r, rc) : 1;
		}
		if (rc > 0 && r->down.is_eof) {
			(void)shutdown(net_fd, SHUT_WR);
			r->down.is_over = true;
			r->moved = true;
		}
	}
	if (rc > 0 && !r->down.is_over)
		r->app |= UV_READABLE;
	return rc < 0 ? rc : 0;
}

int tls_relay_step(struct tls_relay *r, struct tls *t, int net_fd, int app_fd)
{
	int rc;

	r->net = 0;
	r->app = 0;
	r->is_app_gone = r->is_app_gone || has_hung_up(app_fd);
	rc = step_up(r, t, app_fd);
	if (rc == 0)
		rc = step_down(r, t, net_fd, app_fd);
	return rc < 0 ? rc : r->up.is_over && r->down.is_over;
}
