/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/fd.h"

enum { EVENTS_PER_TURN = 64 };

int loop_init(struct loop *l, struct err *e)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll < 0 ? err_errno(e, errno, "cannot make an epoll descriptor") : 0;
}

void loop_deinit(struct loop *l)
{
	l->epoll = fd_close(l->epoll);
}

int loop_watch(struct loop *l, int fd, uint32_t events, struct loop_source *s, struct err *e)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return err_errno(e, errno, "cannot watch a descriptor");
	return 0;
}

int loop_change(struct loop *l, int fd, uint32_t events, struct loop_source *s)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) < 0 ? -errno : 0;
}

void loop_forget(struct loop *l, int fd)
{
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL); /* fails only if it was not watched */
}

int loop_turn(struct loop *l, int timeout_ms, struct err *e)
{
	struct epoll_event ev[EVENTS_PER_TURN];
	int i, n = epoll_wait(l->epoll, ev, EVENTS_PER_TURN, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : err_errno(e, errno, "cannot wait for events");
	for (i = 0; i < n; i++) {
		struct loop_source *s = ev[i].data.ptr;

		s->ready(s, ev[i].events);
	}
	return 0;
}
