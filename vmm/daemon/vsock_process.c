/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vsock_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/child.h"
#include "store/rmtree.h"

int vsock_paths(const char *run, const char *short_id, struct vsock_paths *ret, struct err *e)
{
	if (str_format(ret->dir, sizeof(ret->dir), "%s/%s", run, short_id) < 0 ||
	    str_format(ret->vhost, sizeof(ret->vhost), "%s/vhost", ret->dir) < 0 ||
	    str_format(ret->uds, sizeof(ret->uds), "%s/vsock", ret->dir) < 0 ||
	    str_format(ret->host_api, sizeof(ret->host_api), "%s_10000", ret->uds) < 0 ||
	    str_format(ret->pid_file, sizeof(ret->pid_file), "%s/vsock.pid", ret->dir) < 0) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is too long for the path of a socket; choose a shorter run",
			       run);
	}
	return 0;
}

int vsock_process_make_dir(const struct vsock_paths *p, gid_t reader, struct err *e)
{
	int rc = file_mkdir(AT_FDCWD, p->dir, 0700, e);

	inject_point("vsock.dir-made");
	if (rc || reader == (gid_t)-1)
		return rc;
	if (chown(p->dir, (uid_t)-1, reader) < 0 || chmod(p->dir, 0710) < 0)
		return err_errno(e, errno, "cannot let QEMU's user into '%s'", p->dir);
	return 0;
}

/* Is the pid file locked?  Return: the pid of who locks it; 0 if nobody does. */
static pid_t lock_holder(const struct vsock_paths *p)
{
	auto_close int fd = open(p->pid_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[32];
	uint32_t pid;
	ssize_t n;

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	n = fd_read_full(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return num_parse_u32(text, 2, INT32_MAX, &pid) ? 0 : (pid_t)pid;
}

bool vsock_process_is_alive(const struct vsock_paths *p)
{
	return lock_holder(p) > 0;
}

/* That the lock is held by the same pid after its descriptor was opened proves that the pid was not used again. */
int vsock_process_open(const struct vsock_paths *p, struct err *e)
{
	pid_t pid = lock_holder(p);
	auto_close int fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

	if (fd >= 0 && lock_holder(p) == pid)
		return steal_fd(&fd);
	if (pid && fd < 0 && errno != ESRCH)
		return err_errno(e, errno, "cannot watch the vsock process %d", (int)pid);
	if (access(p->pid_file, F_OK) < 0)
		return err_set(e, ERR_BAD_STATE, "'%s' is gone", p->pid_file);
	return err_set(e, ERR_NOT_FOUND, "the vsock process of '%s' has ended", p->dir);
}

static bool ends_within(int pidfd, int ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int rc;

	do {
		rc = poll(&p, 1, ms);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

static int end_process(const struct vsock_paths *p, int patience_ms, struct err *e)
{
	auto_close int fd = vsock_process_open(p, NULL);

	if (fd < 0 || ends_within(fd, patience_ms))
		return 0;
	(void)syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0);
	if (ends_within(fd, VSOCK_PROCESS_DOWN_MS))
		return 0;
	(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	if (ends_within(fd, VSOCK_PROCESS_DOWN_MS))
		return 0;
	return err_set(e, ERR_BAD_STATE, "the vsock process of '%s' does not end", p->dir);
}

static int remove_dir(const struct vsock_paths *p, struct err *e)
{
	char parent[VSOCK_PROCESS_PATH_MAX];
	auto_close int fd = -1;
	char *slash;

	(void)str_copy(parent, sizeof(parent), p->dir);
	slash = strrchr(parent, '/');
	*slash = 0;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, errno, "cannot open '%s'", parent);
	return rmtree(fd, slash + 1, NULL, e);
}

static int stop(const struct vsock_paths *p, int patience_ms, struct err *e)
{
	int rc = end_process(p, patience_ms, e);

	inject_point("vsock.ended");
	if (!rc)
		rc = remove_dir(p, e);
	inject_point("vsock.dir-removed");
	return rc;
}

int vsock_process_stop(const struct vsock_paths *p, struct err *e)
{
	return stop(p, VSOCK_PROCESS_DOWN_MS, e);
}

int vsock_process_drop(const struct vsock_paths *p, struct err *e)
{
	return stop(p, 0, e);
}

/* For a program that knows nothing of pid files: it inherits the locked descriptor as fd 3. */
static pid_t spawn_foreign(const struct vsock_paths *p, const struct vsock_process *o,
			   struct err *e)
{
	auto_free char *vm =
		xasprintf("guest-cid=%u,socket=%s,uds-path=%s", o->cid, p->vhost, p->uds);
	const char *const argv[] = { o->program, "--vm", vm, NULL };
	auto_close int lock = open(p->pid_file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	const int dst = 3;
	char text[24];
	pid_t pid;
	int n;

	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return err_errno(e, errno, "cannot lock '%s'", p->pid_file);
	pid = child_detach(argv, o->log_fd, &lock, &dst, 1, e);
	if (pid < 0)
		return pid;
	n = str_format(text, sizeof(text), "%d\n", (int)pid);
	if (ftruncate(lock, 0) < 0 || pwrite(lock, text, (size_t)n, 0) != n)
		return err_errno(e, errno, "cannot write '%s'", p->pid_file);
	return pid;
}

static pid_t spawn_bailey(const struct vsock_paths *p, const struct vsock_process *o, struct err *e)
{
	char cid[16], max[24];
	const char *const argv[] = { o->program,  "--cid",
				     cid,	  "--vhost-user",
				     p->vhost,	  "--uds",
				     p->uds,	  "--pid-file",
				     p->pid_file, o->console ? "--console" : NULL,
				     o->console,  "--console-max",
				     max,	  NULL };

	(void)str_format(cid, sizeof(cid), "%u", o->cid);
	(void)str_format(max, sizeof(max), "%llu", (unsigned long long)o->console_max);
	return child_detach(argv, o->log_fd, NULL, NULL, 0, e);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Until the socket is there.  A process that ended before says why in its log. */
static int wait_up(const struct vsock_paths *p, pid_t pid, struct err *e)
{
	uint64_t end = time_mono_ms() + VSOCK_PROCESS_UP_MS;

	while (!exists(p->vhost) || !vsock_process_is_alive(p)) {
		if (kill(pid, 0) < 0 && errno == ESRCH) {
			return err_set(e, ERR_MISSING,
				       "the vsock process ended at once; see vsock.log in the VM's "
				       "folder");
		}
		if (time_mono_ms() > end) {
			return err_set(e, ERR_MISSING,
				       "the vsock process made no socket in %d s; see vsock.log in "
				       "the VM's folder",
				       VSOCK_PROCESS_UP_MS / 1000);
		}
		(void)poll(NULL, 0, 5);
	}
	return 0;
}

int vsock_process_start(const struct vsock_paths *p, const struct vsock_process *o, struct err *e)
{
	int rc = end_process(p, 0, e);
	pid_t pid;

	if (rc)
		return rc;
	(void)unlink(p->vhost);
	pid = o->is_bailey ? spawn_bailey(p, o, e) : spawn_foreign(p, o, e);
	if (pid < 0)
		return (int)pid;
	inject_point("vsock.spawned");
	rc = wait_up(p, pid, e);
	inject_point("vsock.up");
	if (rc || o->reader == (gid_t)-1)
		return rc;
	if (lchown(p->vhost, (uid_t)-1, o->reader) < 0 || chmod(p->vhost, 0660) < 0)
		return err_errno(e, errno, "cannot let QEMU's user at '%s'", p->vhost);
	return 0;
}
