/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in bulk that nobody looks at stay in the kernel: socket to pipe to socket.
 *
 * A pipe is filled only when it is empty: its room is counted in pages, so that "no room" and "nothing there" could not
 * be told apart otherwise.  It is given back when it is empty and the source has nothing more, so an idle connection
 * holds none.
 */
#include <errno.h>
#include <fcntl.h>

#include "gateway/conn_parts.h"

static ssize_t move(int from, int to, size_t n)
{
	ssize_t moved;

	do
		moved = splice(from, NULL, to, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (moved < 0 && errno == EINTR);
	return moved < 0 ? -errno : moved;
}

/* Return: 1 there is something in it, 0 there is not, negative: the source is broken. */
static int fill(struct conn *c, struct conn_end *src, struct pipe_pair *p)
{
	ssize_t n;

	if (p->n > 0)
		return 1;
	if (!src->is_readable || src->has_ended)
		return 0;
	n = move(src->fd, p->in, p->size);
	if (n == -EAGAIN) {
		src->is_readable = false;
		return 0;
	}
	if (n == 0) {
		src->has_ended = true;
		src->is_readable = false;
		return 0;
	}
	if (n < 0)
		return (int)n;
	p->n = (size_t)n;
	c->progress_ms = c->worker->now_ms;
	return 1;
}

/* Return: 1 it is empty, 0 the target takes no more now, negative: it is broken. */
static int drain(struct conn *c, struct conn_end *to, struct pipe_pair *p)
{
	ssize_t n;

	while (p->n > 0) {
		if (!to->is_writable)
			return 0;
		n = move(p->out, to->fd, p->n);
		if (n == -EAGAIN) {
			to->is_writable = false;
			return 0;
		}
		if (n <= 0)
			return n ? (int)n : -EPIPE;
		p->n -= (size_t)n;
		to->n_sent += (uint64_t)n;
		c->progress_ms = c->worker->now_ms;
		gw_count(&c->worker->counters.spliced_bytes, (uint64_t)n);
	}
	return 1;
}

static void give_back(struct conn *c, struct conn_end *src, struct conn_end *to)
{
	pipe_give(&c->worker->pipes, to->pipe);
	to->pipe = NULL;
	if (!src->is_readable)
		src->full_reads = 0;
}

enum { MORE = 1, TARGET_IS_FULL = 0, SOURCE_IS_EMPTY = 2, DIED = -1 };

/* Fill the pipe once and empty it as far as that goes. */
static int move_some(struct conn *c, enum conn_side from, struct conn_end *src, struct conn_end *to)
{
	int rc = fill(c, src, to->pipe);

	if (rc < 0) {
		(void)(from == CLIENT ? conn_die(c, GW_END_CLIENT_GONE)
				      : conn_finish(c, GW_END_APP_GONE));
		return DIED;
	}
	if (rc == 0)
		return SOURCE_IS_EMPTY;
	rc = drain(c, to, to->pipe);
	if (rc < 0) {
		(void)conn_die(c, from == CLIENT ? GW_END_APP_GONE : GW_END_CLIENT_GONE);
		return DIED;
	}
	return rc == 0 ? TARGET_IS_FULL : MORE;
}

bool conn_splice(struct conn *c, enum conn_side from, int *budget)
{
	struct conn_end *src = &c->sides[from], *to = &c->sides[from == CLIENT ? APP : CLIENT];
	int rc = MORE;

	if (!to->pipe)
		to->pipe = pipe_take(&c->worker->pipes);
	if (!to->pipe) {
		src->full_reads = 0; /* no descriptors: by copying, then */
		return true;
	}
	while (rc == MORE && *budget > 0) {
		--*budget;
		rc = move_some(c, from, src, to);
	}
	if (rc == DIED)
		return c->state != CONN_DEAD;
	if (rc == TARGET_IS_FULL)
		return true;
	if (to->pipe->n == 0 && !src->is_readable)
		give_back(c, src, to);
	else if (rc == MORE)
		conn_again(c);
	return true;
}
