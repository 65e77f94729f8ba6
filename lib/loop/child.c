/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  A pipe that closes on exec carries an errno back when exec fails: its end
 * without bytes means that the program runs.  Between fork() and exec only async-signal-safe calls are
 * made, as another thread may hold any lock.  Every fd above 2 is marked close-on-exec there; the ones a
 * child is given are moved in after that.
 *
 * A run is over when the program has ended and what it wrote is read; what its own children may still
 * write is not waited for.
 */
#include "loop/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/child_parts.h"

enum {
	TIMEOUT_MS = 60 * 1000,
	OUTPUT_MAX = 64 * 1024,
	FIRST_FREE_FD = 3,
	DETACHED_FDS_MAX = 16,
	HIGH_FD = 512, /* where fds wait before they get their numbers */
	WATCH_MS = 200,
};

static const char *const env_default[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C.UTF-8",
	NULL,
};

/* ---- in the child, between fork and exec ---- */

void child_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	int s;

	for (s = 1; s < NSIG; s++)
		(void)sigaction(s, &dfl, NULL); /* fails for those that cannot be caught */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* exec takes arrays of non-const by history; it does not write to them. */
static char *const *plain(const char *const *v)
{
	union {
		const char *const *in;
		char *const *out;
	} u = { .in = v };

	return u.out;
}

void child_exec_or_tell(const char *const *argv, const char *const *env, int tell_fd)
{
	int why;

	(void)execvpe(argv[0], plain(argv), plain(env ? env : env_default));
	why = errno;
	(void)!write(tell_fd, &why, sizeof(why));
	_exit(CHILD_EXEC_FAILED);
}

/* ---- in the parent ---- */

int child_told(int fd)
{
	int why = 0;
	ssize_t n = fd_read_full(fd, &why, sizeof(why));

	return n == (ssize_t)sizeof(why) && why > 0 ? -why : 0;
}

int child_cannot_run(struct err *e, const char *program, int code)
{
	if (code == -ENOENT) {
		return err_set(e, ERR_MISSING,
			       "program '%s' is not installed; scripts/setup names its package",
			       program);
	}
	return err_errno(e, -code, "running '%s'", program);
}

struct run {
	const struct child_options *o;
	pid_t pid;
	int pid_fd, in, out, err; /* -1: closed */
	size_t n_sent;
	struct child_result *result;
};

static void run_deinit(struct run *r)
{
	r->pid_fd = fd_close(r->pid_fd);
	r->in = fd_close(r->in);
	r->out = fd_close(r->out);
	r->err = fd_close(r->err);
}

struct pipes {
	int in[2], out[2], err[2], tell[2];
};

static void pipes_deinit(struct pipes *p)
{
	int *all = &p->in[0];
	size_t i;

	for (i = 0; i < sizeof(*p) / sizeof(*all); i++)
		all[i] = fd_close(all[i]);
}

static int pipes_init(struct pipes *p, struct err *e)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(p->in, O_CLOEXEC) < 0 || pipe2(p->out, O_CLOEXEC) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0 || pipe2(p->tell, O_CLOEXEC) < 0)
		return err_errno(e, errno, "opening pipes for a program");
	return 0;
}

/* Return: 0, or -1 with errno. */
static int bind_down(const struct child_options *o)
{
	const struct rlimit most = { .rlim_cur = o->file_max, .rlim_max = o->file_max };

	if (o->file_max && setrlimit(RLIMIT_FSIZE, &most) < 0)
		return -1;
	if (o->is_bound && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return 0;
}

/*
 * One that outlived us would go on writing files that nobody waits for.  The signal comes when the thread ends
 * that forked, and that waits for us; was @parent gone before we asked for it, we are somebody else's child already.
 */
__attribute__((noreturn)) static void become(const struct child_options *o, const struct pipes *p,
					     pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(CHILD_EXEC_FAILED);
	(void)setpgid(0, 0);
	child_reset_signals();
	if (dup2(p->in[0], STDIN_FILENO) < 0 || dup2(p->out[1], STDOUT_FILENO) < 0 ||
	    dup2(p->err[1], STDERR_FILENO) < 0 || chdir(o->cwd ? o->cwd : "/") < 0 ||
	    close_range(FIRST_FREE_FD, ~0U, CLOSE_RANGE_CLOEXEC) < 0 || bind_down(o) < 0) {
		int why = errno;

		(void)!write(p->tell[1], &why, sizeof(why));
		_exit(CHILD_EXEC_FAILED);
	}
	child_exec_or_tell(o->argv, o->env, p->tell[1]);
}

static int begin(struct run *r, struct err *e)
{
	__attribute__((cleanup(pipes_deinit))) struct pipes p;
	pid_t parent = getpid();
	int rc = pipes_init(&p, e);

	if (rc < 0)
		return rc;
	r->pid = fork();
	if (r->pid < 0)
		return err_errno(e, errno, "forking for '%s'", r->o->argv[0]);
	if (r->pid == 0)
		become(r->o, &p, parent);
	(void)setpgid(r->pid, r->pid); /* whoever is first; the other fails */
	p.tell[1] = fd_close(p.tell[1]);
	rc = child_told(p.tell[0]);
	if (rc < 0) {
		(void)waitpid(r->pid, NULL, 0);
		return child_cannot_run(e, r->o->argv[0], rc);
	}
	r->in = steal_fd(&p.in[1]);
	r->out = steal_fd(&p.out[0]);
	r->err = steal_fd(&p.err[0]);
	r->pid_fd = pidfd_open(r->pid, 0);
	(void)fd_set_nonblocking(r->in, true);
	(void)fd_set_nonblocking(r->out, true);
	(void)fd_set_nonblocking(r->err, true);
	return 0;
}

static void feed(struct run *r)
{
	const char *input = r->o->input;
	ssize_t n = 0;

	if (r->in < 0)
		return;
	if (input && r->n_sent < r->o->n_input)
		n = write(r->in, input + r->n_sent, r->o->n_input - r->n_sent);
	if (n > 0)
		r->n_sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN) || !input || r->n_sent == r->o->n_input)
		r->in = fd_close(r->in);
}

/* Read what is there; beyond the limit it is thrown away, so the program can go on. */
static void drain(int *fd, struct buf *to)
{
	uint8_t block[4096];
	ssize_t n;

	while (*fd >= 0 && (n = read(*fd, block, sizeof(block))) != -1) {
		if (n == 0)
			*fd = fd_close(*fd);
		else
			(void)buf_add(to, block,
				      (size_t)n < to->max - to->n ? (size_t)n : to->max - to->n);
	}
}

/* Return: has the program ended? */
static bool wait_some(struct run *r, int timeout_ms)
{
	struct pollfd p[] = {
		{ .fd = r->pid_fd, .events = POLLIN },
		{ .fd = r->in, .events = POLLOUT },
		{ .fd = r->out, .events = POLLIN },
		{ .fd = r->err, .events = POLLIN },
	};

	(void)poll(p, sizeof(p) / sizeof(p[0]), timeout_ms);
	feed(r);
	drain(&r->out, &r->result->out);
	drain(&r->err, &r->result->err);
	return (p[0].revents & POLLIN) != 0;
}

static int reap(struct run *r)
{
	int status = 0;

	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	r->result->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r->result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return 0;
}

static int end_it(struct run *r, int rc)
{
	(void)kill(-r->pid, SIGKILL);
	(void)reap(r);
	return rc;
}

static int watch(struct run *r, uint64_t *next, struct err *e)
{
	uint64_t now = time_mono_ms();

	if (!r->o->watch || now < *next)
		return 0;
	*next = now + WATCH_MS;
	return r->o->watch(r->o->watch_arg, e);
}

static int finish(struct run *r, unsigned int timeout_ms, struct err *e)
{
	uint64_t end = time_mono_ms() + timeout_ms, next = 0;
	uint64_t now;
	int rc;

	while ((now = time_mono_ms()) < end) {
		if (r->o->watch && end - now > WATCH_MS)
			now = end - WATCH_MS;
		if (wait_some(r, (int)(end - now))) {
			drain(&r->out,
			      &r->result->out); /* written between the last read and the end */
			drain(&r->err, &r->result->err);
			return reap(r);
		}
		rc = watch(r, &next, e);
		if (rc < 0)
			return end_it(r, rc);
	}
	(void)end_it(r, 0);
	return err_set(e, -ETIMEDOUT, "program '%s' did not end within %u ms", r->o->argv[0],
		       timeout_ms);
}

int child_run(const struct child_options *o, struct child_result *ret, struct err *e)
{
	size_t max = o->output_max ? o->output_max : OUTPUT_MAX;
	struct child_result result = { .out = BUF_MAX(max), .err = BUF_MAX(max) };
	__attribute__((cleanup(run_deinit))) struct run r = {
		.o = o,
		.pid_fd = -1,
		.in = -1,
		.out = -1,
		.err = -1,
		.result = &result,
	};
	int rc = begin(&r, e);

	if (rc == 0)
		rc = finish(&r, o->timeout_ms ? o->timeout_ms : TIMEOUT_MS, e);
	if (rc < 0) {
		buf_deinit(&result.out);
		buf_deinit(&result.err);
		return rc;
	}
	*ret = result;
	return 0;
}

const char *child_last_line(const struct buf *b, char *dst, size_t size)
{
	const char *p = b->p ? (const char *)b->p : "";
	size_t end = b->n, begin_at;

	while (end > 0 && (p[end - 1] == '\n' || p[end - 1] == ' '))
		end--;
	begin_at = end;
	while (begin_at > 0 && p[begin_at - 1] != '\n')
		begin_at--;
	return str_escape(dst, size, p + begin_at, end - begin_at);
}

int child_must(const struct child_options *o, struct buf *ret_out, struct err *e)
{
	struct child_result r;
	char line[256];
	int rc = child_run(o, &r, e);

	if (rc < 0)
		return rc;
	(void)child_last_line(&r.err, line, sizeof(line));
	buf_deinit(&r.err);
	if (r.exit_code == 0) {
		if (ret_out)
			*ret_out = r.out;
		else
			buf_deinit(&r.out);
		return 0;
	}
	buf_deinit(&r.out);
	if (r.signal)
		return err_set(e, -EIO, "program '%s' was ended by signal %d: %s", o->argv[0],
			       r.signal, line);
	return err_set(e, -EIO, "program '%s' failed with %d: %s", o->argv[0], r.exit_code, line);
}

/* Give each fd its number.  First all out of the way, as a number may be another's source. */
static int place_fds(const int *src, const int *dst, size_t n)
{
	int high[DETACHED_FDS_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		high[i] = fcntl(src[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (high[i] < 0)
			return -errno;
	}
	for (i = 0; i < n; i++) {
		if (dup2(high[i], dst[i]) < 0)
			return -errno;
	}
	return 0;
}

/* The middle process ends at once, so init is the parent of what runs. */
__attribute__((noreturn)) static void detach(const char *const *argv, int log_fd, const int *src,
					     const int *dst, size_t n, int tell)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int tell_fd, log_copy, rc = 0;
	pid_t pid;

	(void)setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0 ? CHILD_EXEC_FAILED : 0);
	child_reset_signals();
	pid = getpid();
	tell_fd = fcntl(tell, F_DUPFD_CLOEXEC, HIGH_FD);
	log_copy = fcntl(log_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	(void)!write(tell_fd, &pid, sizeof(pid));
	if (close_range(FIRST_FREE_FD, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ||
	    dup2(null_fd, STDIN_FILENO) < 0 || dup2(log_copy, STDOUT_FILENO) < 0 ||
	    dup2(log_copy, STDERR_FILENO) < 0 || chdir("/") < 0)
		rc = -errno;
	if (rc == 0)
		rc = place_fds(src, dst, n);
	if (rc == 0)
		child_exec_or_tell(argv, NULL, tell_fd);
	rc = -rc;
	(void)!write(tell_fd, &rc, sizeof(rc));
	_exit(CHILD_EXEC_FAILED);
}

pid_t child_detach(const char *const *argv, int log_fd, const int *src, const int *dst,
		   size_t n_fds, struct err *e)
{
	auto_close int read_fd = -1, write_fd = -1;
	pid_t middle, pid = -1;
	int tell[2], rc;

	assert(n_fds <= DETACHED_FDS_MAX);
	if (pipe2(tell, O_CLOEXEC) < 0)
		return err_errno(e, errno, "opening a pipe for '%s'", argv[0]);
	read_fd = tell[0];
	write_fd = tell[1];
	middle = fork();
	if (middle < 0)
		return err_errno(e, errno, "forking for '%s'", argv[0]);
	if (middle == 0)
		detach(argv, log_fd, src, dst, n_fds, write_fd);
	(void)fd_close(steal_fd(&write_fd));
	(void)waitpid(middle, NULL, 0);
	if (fd_read_full(read_fd, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		return err_set(e, -EAGAIN, "forking for '%s'", argv[0]);
	rc = child_told(read_fd);
	return rc < 0 ? child_cannot_run(e, argv[0], rc) : pid;
}
