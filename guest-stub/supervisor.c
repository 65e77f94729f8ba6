/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

enum { EXTRA_FD = 3, EXEC_FAILED = 127, SLICE_MS = 1000 };

static const char *const plain_env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
					 "TERM=linux", NULL };

static void signals_of(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGUSR1);
	(void)sigaddset(set, SIGUSR2);
}

int supervisor_init(struct supervisor *s, struct err *e)
{
	int pair[2];
	sigset_t set;

	*s = (struct supervisor){ .signals = -1, .control = -1, .control_peer = -1 };
	signals_of(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(e, errno, "block signals");
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return err_errno(e, errno, "signalfd");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_errno(e, errno, "control socket");
	s->control = pair[0];
	s->control_peer = pair[1];
	return 0;
}

void supervisor_deinit(struct supervisor *s)
{
	s->signals = fd_close(s->signals);
	s->control = fd_close(s->control);
	s->control_peer = fd_close(s->control_peer);
}

/* In the child, before exec: only the async-signal-safe, and no return. */
static __attribute__((noreturn)) void become(const struct supervisor_spawn *how)
{
	int input = how->input, extra = how->extra;
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	if (input < 0)
		input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* lift both out of the way of the numbers that they are to have */
	if (extra >= 0)
		extra = fcntl(extra, F_DUPFD_CLOEXEC, EXTRA_FD + 1);
	if (input >= 0 && input != STDIN_FILENO)
		(void)dup2(input, STDIN_FILENO);
	if (extra >= 0)
		(void)dup2(extra, EXTRA_FD);
	if (chdir(how->cwd ? how->cwd : "/") == 0) {
		/* exec does not write to its arrays */
		(void)execvpe(how->argv[0], mem_unconst(how->argv),
			      mem_unconst(how->env ? how->env : plain_env));
	}
	_exit(EXEC_FAILED);
}

int supervisor_start(struct supervisor *s, enum supervisor_kind kind,
		     const struct supervisor_spawn *how, struct err *e)
{
	struct supervisor_slot *slot = &s->slots[kind];
	pid_t pid;

	assert(!supervisor_is_running(s, kind));
	pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "start %s", how->argv[0]);
	if (pid == 0)
		become(how);
	*slot = (struct supervisor_slot){ .pid = pid };
	return 0;
}

static void reap(struct supervisor *s)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < SUPERVISOR_KIND_COUNT; i++) {
			if (s->slots[i].pid == pid && !s->slots[i].has_ended) {
				s->slots[i].has_ended = true;
				s->slots[i].status = status;
			}
		}
	}
}

/* The first request counts; the host's is stronger, so that the host hears that we obey. */
static void ask_stop(struct supervisor *s, enum supervisor_stop what)
{
	if (s->stop == SUPERVISOR_RUN || what == SUPERVISOR_SHUTDOWN)
		s->stop = what;
}

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
		case SIGUSR2:
			ask_stop(s, SUPERVISOR_POWEROFF);
			break;
		case SIGTERM:
		case SIGINT:
			ask_stop(s, SUPERVISOR_REBOOT);
			break;
		default:
			break;
		}
	}
}

static void take_control(struct supervisor *s)
{
	char what;

	while (recv(s->control, &what, 1, MSG_DONTWAIT) == 1) {
		if (what == 'S')
			ask_stop(s, SUPERVISOR_SHUTDOWN);
		s->agent_serves |= what == 'R';
	}
}

bool supervisor_pump(struct supervisor *s, int fd, unsigned int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->control, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};

	/* a slice at most: should a wake-up be missed, a child's end is still seen soon */
	(void)poll(fds, 3, timeout_ms < SLICE_MS ? (int)timeout_ms : SLICE_MS);
	take_signals(s);
	take_control(s);
	reap(s);
	return fds[2].revents != 0;
}

static int wait_for(struct supervisor *s, enum supervisor_kind kind, unsigned int timeout_ms,
		    bool stop_counts)
{
	uint64_t end = time_mono_ms() + timeout_ms, now;

	while (supervisor_is_running(s, kind)) {
		if (stop_counts && s->stop != SUPERVISOR_RUN)
			return -ECANCELED;
		now = time_mono_ms();
		if (now >= end)
			return -ETIMEDOUT;
		(void)supervisor_pump(s, -1, (unsigned int)(end - now));
	}
	return 0;
}

int supervisor_wait(struct supervisor *s, enum supervisor_kind kind, unsigned int timeout_ms)
{
	return wait_for(s, kind, timeout_ms, true);
}

int supervisor_wait_end(struct supervisor *s, enum supervisor_kind kind, unsigned int timeout_ms)
{
	return wait_for(s, kind, timeout_ms, false);
}

void supervisor_signal(const struct supervisor *s, enum supervisor_kind kind, int signal)
{
	/* between fork and setsid the child has no group of its own yet */
	if (supervisor_is_running(s, kind) && kill(-s->slots[kind].pid, signal) < 0)
		(void)kill(s->slots[kind].pid, signal);
}

bool supervisor_is_running(const struct supervisor *s, enum supervisor_kind kind)
{
	return s->slots[kind].pid != 0 && !s->slots[kind].has_ended;
}

const char *supervisor_how_it_ended(char *dst, size_t size, int status)
{
	if (WIFSIGNALED(status)) {
		(void)snprintf(dst, size, "was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) == EXEC_FAILED) {
		(void)snprintf(dst, size, "could not be started, or a command was not found");
	} else {
		(void)snprintf(dst, size, "exited with status %d", WEXITSTATUS(status));
	}
	return dst;
}
