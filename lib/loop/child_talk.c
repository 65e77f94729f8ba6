/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One socket serves both ways, so whoever holds it sees the end of the other.  Nobody reads stderr meanwhile: a
 * program that fills that pipe stands still until its deadline.
 */
#include "loop/child_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/time.h"
#include "loop/child_parts.h"

enum { FIRST_FREE_FD = 3, SAID_MAX = 64 * 1024 };

struct ends {
	int talk[2], err[2], tell[2]; /* ours first */
};

static void ends_deinit(struct ends *p)
{
	int *all = &p->talk[0];
	size_t i;

	for (i = 0; i < sizeof(*p) / sizeof(*all); i++)
		all[i] = fd_close(all[i]);
}

static int ends_init(struct ends *p, struct err *e)
{
	*p = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->talk) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0 || pipe2(p->tell, O_CLOEXEC) < 0)
		return err_errno(e, errno, "opening pipes for a program");
	return 0;
}

__attribute__((noreturn)) static void become(const char *const *argv, const struct ends *p,
					     pid_t parent)
{
	int why;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(CHILD_EXEC_FAILED);
	(void)setpgid(0, 0);
	child_reset_signals();
	if (dup2(p->talk[1], STDIN_FILENO) >= 0 && dup2(p->talk[1], STDOUT_FILENO) >= 0 &&
	    dup2(p->err[1], STDERR_FILENO) >= 0 && chdir("/") == 0 &&
	    close_range(FIRST_FREE_FD, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		child_exec_or_tell(argv, NULL, p->tell[1]);
	why = errno;
	(void)!write(p->tell[1], &why, sizeof(why));
	_exit(CHILD_EXEC_FAILED);
}

int child_talk_begin(const char *const *argv, struct child_talk *ret, struct err *e)
{
	__attribute__((cleanup(ends_deinit))) struct ends p;
	struct child_talk t = CHILD_TALK_NULL;
	pid_t parent = getpid();
	int rc = ends_init(&p, e);

	if (rc < 0)
		return rc;
	t.pid = fork();
	if (t.pid < 0)
		return err_errno(e, errno, "forking for '%s'", argv[0]);
	if (t.pid == 0)
		become(argv, &p, parent);
	(void)setpgid(t.pid, t.pid); /* whoever is first; the other fails */
	p.tell[1] = fd_close(p.tell[1]);
	rc = child_told(p.tell[0]);
	if (rc < 0) {
		(void)waitpid(t.pid, NULL, 0);
		return child_cannot_run(e, argv[0], rc);
	}
	t.fd = steal_fd(&p.talk[0]);
	t.err_fd = steal_fd(&p.err[0]);
	t.pid_fd = pidfd_open(t.pid, 0);
	(void)fd_set_nonblocking(t.fd, true);
	(void)fd_set_nonblocking(t.err_fd, true);
	*ret = t;
	return 0;
}

/* Wait until @events.  Return: 0, -ETIMEDOUT, another errno. */
static int wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = time_mono_ms();
	int n;

	if (now >= deadline)
		return -ETIMEDOUT;
	n = poll(&p, 1, deadline - now > 1000 ? 1000 : (int)(deadline - now));
	return n < 0 && errno != EINTR ? -errno : 0;
}

int child_talk_write(const struct child_talk *t, const void *p, size_t n, uint64_t deadline)
{
	const uint8_t *at = p;
	ssize_t k;
	int rc = 0;

	while (n > 0 && rc == 0) {
		k = send(t->fd, at, n, MSG_NOSIGNAL);
		if (k > 0) {
			at += k;
			n -= (size_t)k;
		} else if (k < 0 && errno == EAGAIN) {
			rc = wait_for(t->fd, POLLOUT, deadline);
		} else if (k < 0 && errno != EINTR) {
			rc = errno == ECONNRESET ? -EPIPE : -errno;
		}
	}
	return rc;
}

ssize_t child_talk_read(const struct child_talk *t, void *p, size_t n, uint64_t deadline)
{
	ssize_t k;
	int rc;

	for (;;) {
		k = recv(t->fd, p, n, 0);
		if (k >= 0)
			return k;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		rc = wait_for(t->fd, POLLIN, deadline);
		if (rc < 0)
			return rc;
	}
}

static void read_said(int fd, char *said, size_t size)
{
	auto_buf struct buf b = BUF_MAX(SAID_MAX);
	ssize_t k;

	if (size > 0)
		said[0] = 0;
	if (buf_reserve(&b, SAID_MAX) < 0)
		return;
	while (b.n < SAID_MAX && (k = read(fd, b.p + b.n, SAID_MAX - b.n)) > 0)
		b.n += (size_t)k;
	(void)child_last_line(&b, said, size);
}

void child_talk_end(struct child_talk *t, char *said, size_t size)
{
	if (t->pid > 0) {
		/* not reaped yet, so the number is still its own */
		if (t->pid_fd < 0 || pidfd_send_signal(t->pid_fd, SIGKILL, NULL, 0) < 0)
			(void)kill(t->pid, SIGKILL);
		while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (said)
		read_said(t->err_fd, said, size);
	(void)fd_close(t->fd);
	(void)fd_close(t->err_fd);
	(void)fd_close(t->pid_fd);
	*t = CHILD_TALK_NULL;
}
