/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bailey-vsock: a virtio socket device for one VM, outside of QEMU
 *
 * It makes its sockets, gives up its rights, waits for QEMU, serves it, and ends when
 * QEMU does.  It does not depend on the daemon that started it.
 */
#include <errno.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "vsockdev/console_guard.h"
#include "vsockdev/device.h"
#include "vsockdev/host_socket.h"
#include "vsockdev/options.h"
#include "vsockdev/pid_file.h"
#include "vsockdev/sandbox.h"

enum {
	QEMU_WAIT_MS = 300 * 1000, /* who started us may have died before it started QEMU */
	QEMU_LOOK_MS = 1000,
	QEMU_MESSAGE_S = 10,
	EXIT_USAGE = 2,
};

struct program {
	struct options o;
	int pid_file, vhost_listener, uds_listener, signals, qemu;
	struct console_guard console;
	bool made_uds, made_vhost; /* the paths are ours to remove */
	char uds[HOST_SOCKET_PATH_MAX];
};

static struct device device; /* not on the stack: its arrays are large */
static bool terminated;

static void memory_fault(int sig)
{
	static const char text[] = "<3>bailey-vsock: guest memory went away under us\n";

	(void)sig;
	/* nothing can be done about a write that fails here */
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

static int set_up_signals(struct err *e)
{
	struct sigaction fault = { .sa_handler = memory_fault };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || sigaction(SIGBUS, &fault, NULL) < 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) < 0 || sigaction(SIGHUP, &ignore, NULL) < 0)
		return err_errno(e, errno, "cannot set up signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(e, errno, "cannot set up signals") : fd;
}

/* The socket, which only @uid may use (and root). */
static int listen_for(const char *path, uid_t uid, struct err *e)
{
	auto_close int fd = host_socket_listen(path, e);

	if (fd < 0)
		return fd;
	if (uid != getuid() && chown(path, uid, (gid_t)-1) < 0)
		return err_errno(e, errno, "cannot give socket '%s' to user %u", path, uid);
	return steal_fd(&fd);
}

static int confine(const struct options *o, uid_t uid, gid_t gid, struct err *e)
{
	char vhost[HOST_SOCKET_PATH_MAX + 12], uds[HOST_SOCKET_PATH_MAX]; /* dirname() writes */
	const char *dirs[2];
	int rc = 0;

	if (str_copy(vhost, sizeof vhost, o->vhost_user) < 0 ||
	    str_copy(uds, sizeof uds, o->uds) < 0)
		return err_set(e, -ENAMETOOLONG, "a socket path is too long");
	dirs[0] = dirname(vhost);
	dirs[1] = dirname(uds);

	if (o->user)
		rc = sandbox_user(uid, gid, e);
	if (rc == 0)
		rc = sandbox_limits(e);
	if (rc == 0)
		rc = sandbox_files(dirs, 2, e);
	if (rc == -EOPNOTSUPP) {
		log_warn("guest %llu: %s; going on without", (unsigned long long)o->cid,
			 e ? e->text : "no landlock");
		rc = 0;
	}
	return rc < 0 ? rc : sandbox_final(e);
}

static int prepare(struct program *p, struct err *e)
{
	const struct options *o = &p->o;
	uid_t uid = getuid(), qemu_uid = uid;
	gid_t gid = getgid(), qemu_gid = gid;
	int rc;

	rc = sandbox_early(o->log_fd, e);
	if (rc < 0)
		return rc;
	if (o->log_fd >= 0 && dup2(o->log_fd, STDERR_FILENO) < 0)
		return err_errno(e, errno, "cannot log to descriptor %d", o->log_fd);
	(void)umask(0177);
	if (o->user)
		rc = sandbox_find_user(o->user, &uid, &gid, e);
	if (rc == 0 && o->qemu_user)
		rc = sandbox_find_user(o->qemu_user, &qemu_uid, &qemu_gid, e);
	if (rc < 0)
		return rc;
	p->signals = set_up_signals(e);
	if (p->signals < 0)
		return p->signals;
	if (o->pid_file) {
		/* never closed: its lock says that we live */
		p->pid_file = rc = pid_file_open(o->pid_file, e);
		if (rc < 0)
			return rc;
	}
	if (o->console) {
		rc = console_guard_open(&p->console, o->console, o->console_max, e);
		if (rc < 0)
			return rc;
	}
	p->uds_listener = listen_for(o->uds, uid, e);
	if (p->uds_listener < 0)
		return p->uds_listener;
	p->made_uds = true;
	p->vhost_listener = listen_for(o->vhost_user, qemu_uid, e);
	if (p->vhost_listener < 0)
		return p->vhost_listener;
	p->made_vhost = true;
	return confine(o, uid, gid, e);
}

/*
 * Who started us died, and who came after it found no lock yet, took us for dead and removed our folder: nobody will
 * ever connect.
 */
static bool is_forgotten(const struct program *p)
{
	struct stat st;

	return p->pid_file >= 0 && fstat(p->pid_file, &st) == 0 && st.st_nlink == 0;
}

/* Return: as poll(), for QEMU or a signal; 0 when it is not worth waiting for any more. */
static int poll_for_qemu(const struct program *p, struct pollfd *fds)
{
	int waited, n = 0;

	for (waited = 0; n == 0 && waited < QEMU_WAIT_MS && !is_forgotten(p);
	     waited += QEMU_LOOK_MS) {
		n = poll(fds, 2, QEMU_LOOK_MS);
	}
	return n;
}

/* Return: 1 with p->qemu; 0 when told to end first; negative. */
static int wait_for_qemu(struct program *p, struct err *e)
{
	struct pollfd fds[] = { { .fd = p->vhost_listener, .events = POLLIN },
				{ .fd = p->signals, .events = POLLIN } };
	struct timeval patience = { .tv_sec = QEMU_MESSAGE_S };
	int n = poll_for_qemu(p, fds);

	if (n < 0)
		return err_errno(e, errno, "cannot wait for QEMU");
	if (n == 0)
		return err_set(e, -ETIMEDOUT, "QEMU did not connect to '%s'", p->o.vhost_user);
	if (fds[1].revents)
		return 0;
	p->qemu = accept4(p->vhost_listener, NULL, NULL, SOCK_CLOEXEC);
	if (p->qemu < 0)
		return err_errno(e, errno, "cannot accept QEMU");
	if (setsockopt(p->qemu, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
		return err_errno(e, errno, "cannot set a timeout on QEMU's connection");
	/* one QEMU, once */
	p->vhost_listener = fd_close(p->vhost_listener);
	(void)unlink(p->o.vhost_user);
	p->made_vhost = false;
	return 1;
}

static void signal_ready(struct loop_source *s, uint32_t events)
{
	(void)s;
	(void)events;
	terminated = true;
}

static void guard_console(struct program *p)
{
	uint64_t freed = p->console.fd < 0 ? 0 : console_guard_turn(&p->console, time_mono_ms());

	if (freed) {
		log_warn(
			"guest %llu: its console grew to more than %llu bytes, and nobody moved it "
			"on: its first %llu are lost",
			(unsigned long long)p->o.cid, (unsigned long long)p->console.max,
			(unsigned long long)freed);
	}
}

static int serve(struct program *p, struct err *e)
{
	struct device_host host = { .connect = host_socket_connect, .arg = p->uds };
	struct loop_source on_signal = { .ready = signal_ready };
	int rc = device_init(&device, p->o.cid, p->qemu, p->uds_listener, &host, e);

	p->qemu = p->uds_listener = -1;
	if (rc < 0)
		return rc;
	log_info("guest %llu: QEMU is here", (unsigned long long)p->o.cid);
	rc = loop_watch(&device.loop, p->signals, EPOLLIN, &on_signal, e);
	while (rc >= 0 && !terminated) {
		rc = device_turn(&device, p->console.fd < 0 ? -1 : CONSOLE_GUARD_MS, e);
		if (rc == 0)
			break;
		guard_console(p);
	}
	device_deinit(&device);
	if (rc >= 0)
		log_info("guest %llu: %s, ending", (unsigned long long)p->o.cid,
			 terminated ? "told to stop" : "QEMU went away");
	return rc < 0 ? rc : 0;
}

static int run(struct program *p, struct err *e)
{
	int rc;

	memcpy(p->uds, p->o.uds, strlen(p->o.uds) + 1); /* options_parse() saw that it fits */
	rc = prepare(p, e);
	if (rc == 0)
		rc = wait_for_qemu(p, e);
	if (rc == 1)
		rc = serve(p, e);
	if (p->made_uds)
		(void)unlink(p->o.uds); /* what stays is replaced by the next of us */
	if (p->made_vhost)
		(void)unlink(p->o.vhost_user);
	return rc;
}

int main(int argc, char **argv)
{
	struct program p = { .pid_file = -1,
			     .console = CONSOLE_GUARD_NULL,
			     .vhost_listener = -1,
			     .uds_listener = -1,
			     .signals = -1,
			     .qemu = -1 };
	struct err e = ERR_NONE;
	int rc;

	log_init(LOG_LEVEL_INFO);
	rc = options_parse(argc, argv, &p.o, &e);
	if (rc < 0) {
		log_error("bailey-vsock: %s", e.text);
		return EXIT_USAGE;
	}
	if (p.o.help || p.o.version)
		return printf("%s",
			      p.o.help ? options_usage : "bailey-vsock " BAILEY_VERSION "\n") < 0;
	if (p.o.verbose)
		log_init(LOG_LEVEL_DEBUG);
	rc = run(&p, &e);
	if (rc < 0)
		log_error("bailey-vsock: %s", e.text);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
