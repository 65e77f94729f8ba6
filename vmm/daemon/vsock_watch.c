/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vsock_watch.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "daemon/vsock_process.h"

struct vsock_watch {
	uv_poll_t poll;
	int fd; /* of the process: readable when it has ended */
	void (*ended)(void *arg);
	void *arg;
};

static void closed(uv_handle_t *h)
{
	struct vsock_watch *w = h->data;

	(void)fd_close(w->fd);
	free(w);
}

static void on_end(uv_poll_t *h, int status, int events)
{
	struct vsock_watch *w = h->data;

	(void)status;
	(void)events;
	(void)uv_poll_stop(h);
	w->ended(w->arg);
}

int vsock_watch_start(struct vsock_watch **ret, uv_loop_t *loop, const struct vsock_paths *p,
		      void (*ended)(void *arg), void *arg, struct err *e)
{
	auto_close int fd = vsock_process_open(p, e);
	struct vsock_watch *w;
	int rc;

	if (fd < 0)
		return fd;
	w = xnew(struct vsock_watch);
	rc = uv_poll_init(loop, &w->poll, fd);
	if (rc) {
		free(w);
		return err_set(e, rc, "watching it: %s", uv_strerror(rc));
	}
	w->fd = steal_fd(&fd);
	w->ended = ended;
	w->arg = arg;
	w->poll.data = w;
	rc = uv_poll_start(&w->poll, UV_READABLE, on_end);
	if (rc) {
		vsock_watch_stop(w);
		return err_set(e, rc, "watching it: %s", uv_strerror(rc));
	}
	*ret = w;
	return 0;
}

void vsock_watch_stop(struct vsock_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->poll, closed);
}
