/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssh is a child that we end: no control master is joined or left behind, and if we die without a word, the
 * kernel ends it (PR_SET_PDEATHSIG).  A signal that ends us first runs wipe(), which only makes system calls.
 *
 * That the near end takes connections says that ssh has logged in; whether the daemon is at the far end shows
 * with the first call.
 */
#include "cli/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/exit.h"
#include "cli/host.h"
#include "loop/listen.h"

enum { OPEN_MS = 120 * 1000, STEP_MS = 20, END_MS = 2000 };

static struct {
	pid_t pid; /* 0: none */
	bool has_folder;
	char folder[TUNNEL_PATH_MAX], socket[TUNNEL_PATH_MAX], words[TUNNEL_PATH_MAX];
} tunnel;

void tunnel_argv(const struct host *h, const char *near, struct tunnel_args *ret)
{
	static const char *const fixed[] = {
		"ssh",
		"-N",
		"-T",
		"-a",
		"-x",
		"-oExitOnForwardFailure=yes",
		"-oControlMaster=no",
		"-oControlPath=none",
		"-oPermitLocalCommand=no",
		"-oRemoteCommand=none",
		"-oStreamLocalBindMask=0177",
		"-oConnectTimeout=30",
		"-oServerAliveInterval=15",
		"-oServerAliveCountMax=4",
	};
	size_t n = 0;

	for (n = 0; n < sizeof(fixed) / sizeof(*fixed); n++)
		ret->argv[n] = fixed[n];
	(void)str_format(ret->forward, sizeof(ret->forward), "%s:%s", near, h->path);
	ret->argv[n++] = "-L";
	ret->argv[n++] = ret->forward;
	if (h->port) {
		(void)str_format(ret->port, sizeof(ret->port), "%u", h->port);
		ret->argv[n++] = "-p";
		ret->argv[n++] = ret->port;
	}
	if (*h->user) {
		ret->argv[n++] = "-l";
		ret->argv[n++] = h->user;
	}
	ret->argv[n++] = "--";
	ret->argv[n++] = h->name;
	ret->argv[n] = NULL;
}

/* Only system calls: a signal's handler runs this. */
static void wipe(void)
{
	if (tunnel.pid > 0)
		(void)kill(tunnel.pid, SIGTERM);
	if (!tunnel.has_folder)
		return;
	(void)unlink(tunnel.socket);
	(void)unlink(tunnel.words);
	(void)rmdir(tunnel.folder);
}

static void on_signal(int sig)
{
	wipe();
	(void)raise(sig); /* the handler is gone (SA_RESETHAND): it ends us once we return */
}

static void watch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT };
	struct sigaction ours = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND }, old;
	size_t i;

	(void)sigemptyset(&ours.sa_mask);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		/* what was ignored stays so, as under nohup */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			(void)sigaction(signals[i], &ours, NULL);
	}
}

static int make_folder(struct err *e)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (!dir || *dir != '/' || access(dir, W_OK) < 0 ||
	    str_format(tunnel.folder, sizeof(tunnel.folder), "%s/bailey-ssh-XXXXXX", dir) < 0 ||
	    strlen(tunnel.folder) + sizeof("/s.1234567890123456") > sizeof(tunnel.folder))
		(void)str_copy(tunnel.folder, sizeof(tunnel.folder), "/tmp/bailey-ssh-XXXXXX");
	if (!mkdtemp(tunnel.folder))
		return err_errno(e, errno, "cannot make a folder for ssh's socket");
	(void)str_format(tunnel.socket, sizeof(tunnel.socket), "%s/s", tunnel.folder);
	(void)str_format(tunnel.words, sizeof(tunnel.words), "%s/words", tunnel.folder);
	tunnel.has_folder = true;
	return 0;
}

/* In the child. */
static void become_ssh(const struct tunnel_args *a, int words, pid_t parent)
{
	static const char cannot[] = "there is no program ssh in PATH\n";
	int null = open("/dev/null", O_RDWR);

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(255);
	/* it asks for passwords on /dev/tty */
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(words, STDERR_FILENO) < 0)
		_exit(255);
	(void)execvp(a->argv[0], mem_unconst(a->argv)); /* no const by history */
	(void)fd_write_all(STDERR_FILENO, cannot, sizeof(cannot) - 1);
	_exit(255);
}

static int start(const struct host *h, struct err *e)
{
	struct tunnel_args a;
	auto_close int words =
		open(tunnel.words, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
	pid_t us = getpid(), pid;

	if (words < 0)
		return err_errno(e, errno, "cannot make '%s'", tunnel.words);
	tunnel_argv(h, tunnel.socket, &a);
	pid = fork();
	if (pid == 0)
		become_ssh(&a, words, us);
	if (pid < 0)
		return err_errno(e, errno, "cannot start ssh");
	tunnel.pid = pid;
	return 0;
}

const char *tunnel_said(char dst[static TUNNEL_TEXT_MAX])
{
	auto_close int fd = open(tunnel.words, O_RDONLY | O_CLOEXEC);
	char text[2048], *last;
	ssize_t n = fd >= 0 ? fd_read_full(fd, text, sizeof(text) - 1) : 0;

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n > 0 ? n : 0] = 0;
	last = strrchr(text, '\n');
	last = last ? last + 1 : text;
	return str_escape(dst, TUNNEL_TEXT_MAX, last, strlen(last));
}

static bool takes_connections(void)
{
	int fd = connect_unix(tunnel.socket, NULL);

	(void)fd_close(fd < 0 ? -1 : fd);
	return fd >= 0;
}

static bool has_ended(void)
{
	if (tunnel.pid > 0 && waitpid(tunnel.pid, NULL, WNOHANG) == tunnel.pid)
		tunnel.pid = 0;
	return tunnel.pid <= 0;
}

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static int wait_open(const struct host *h, struct err *e)
{
	uint64_t end = time_mono_ms() + OPEN_MS;
	char said[TUNNEL_TEXT_MAX];

	while (!takes_connections()) {
		if (has_ended()) {
			(void)tunnel_said(said);
			return err_set(e, ERR_UNREACHABLE, "ssh cannot reach %s: %s", h->name,
				       *said ? said : "it ended without a word");
		}
		if (time_mono_ms() > end)
			return err_set(e, ERR_UNREACHABLE, "ssh to %s did not get there in %d s",
				       h->name, OPEN_MS / 1000);
		pause_ms(STEP_MS);
	}
	return 0;
}

int tunnel_open(const struct host *h, char ret[static TUNNEL_PATH_MAX], struct err *e)
{
	int rc = make_folder(e);

	if (rc == 0) {
		watch_signals();
		rc = start(h, e);
	}
	if (rc == 0)
		rc = wait_open(h, e);
	if (rc == 0)
		(void)str_copy(ret, TUNNEL_PATH_MAX, tunnel.socket);
	else
		tunnel_close();
	return rc;
}

void tunnel_close(void)
{
	uint64_t end = time_mono_ms() + END_MS;

	wipe();
	while (!has_ended() && time_mono_ms() < end)
		pause_ms(STEP_MS);
	if (tunnel.pid > 0)
		(void)kill(tunnel.pid, SIGKILL);
	while (tunnel.pid > 0 && waitpid(tunnel.pid, NULL, 0) < 0 && errno == EINTR)
		;
	tunnel.pid = 0;
	tunnel.has_folder = false;
}
