/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "wire/key_frame.h"

enum { READ_BLOCK = 4096, READS_AT_ONCE = 32 };

void conn_init(struct conn *c, int fd)
{
	*c = (struct conn){ .fd = fd, .in = BUF_MAX(KEY_FRAME_HEAD) };
}

void conn_deinit(struct conn *c)
{
	c->fd = fd_close(c->fd);
	buf_deinit(&c->in);
	buf_deinit(&c->out);
}

/* The head decides how much there may be, before any of that is read. */
static int take_head(struct conn *c, struct err *e)
{
	int rc;

	if (c->want || c->in.n < KEY_FRAME_HEAD)
		return 0;
	rc = key_frame_length(c->in.p, &c->want, e);
	c->in.max = KEY_FRAME_HEAD + c->want;
	return rc;
}

/* Nobody sends any more. */
static int end_early(const struct conn *c, struct err *e)
{
	return c->in.n == 0 ? -ENODATA
			    : err_set(e, ERR_PROTO, "request is cut off after %zu bytes", c->in.n);
}

int conn_read(struct conn *c, struct err *e)
{
	uint8_t block[READ_BLOCK];
	size_t room;
	ssize_t n;
	int i, rc;

	for (i = 0; i < READS_AT_ONCE; i++) {
		room = c->in.max - c->in.n;
		n = recv(c->fd, block, room < sizeof(block) ? room : sizeof(block), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return err_errno(e, errno, "reading a request");
		if (n == 0)
			return end_early(c, e);
		if (buf_add(&c->in, block, (size_t)n) < 0)
			return err_set(e, -ENOMEM, "no memory for a request");
		rc = take_head(c, e);
		if (rc < 0)
			return rc;
		if (c->want && c->in.n == c->in.max)
			return 1;
	}
	return 0;
}

int conn_take(struct conn *c, struct buf *ret, struct err *e)
{
	int rc = key_frame_asked(c->in.p + KEY_FRAME_HEAD, c->want, ret, e);

	buf_deinit(&c->in);
	return rc;
}

int conn_write(struct conn *c, struct err *e)
{
	ssize_t n;

	while (c->n_sent < c->out.n) {
		n = send(c->fd, c->out.p + c->n_sent, c->out.n - c->n_sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return err_errno(e, errno, "sending an answer");
		c->n_sent += (size_t)n;
	}
	return 1;
}
