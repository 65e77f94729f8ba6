/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alternate screen is used, so what was on the terminal is there again after.  A signal's handler gives the
 * terminal back with system calls alone, puts back the handler that was there before (another part's, which has
 * something to give back too), and raises the signal again.
 */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/time.h"

/* The other screen, no cursor, and what is too wide is cut rather than wrapped. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

enum { HEIGHT_DEFAULT = 24, DRAW_MAX = 1024 * 1024 };

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT };
enum { ENDING = sizeof(ending) / sizeof(*ending) };

static struct {
	bool is_open;
	struct termios before, ours;
	struct sigaction old[ENDING], old_stop, old_continue, old_size;
} screen;

static void put(const char *text, size_t n)
{
	ssize_t done = write(STDOUT_FILENO, text, n); /* a terminal that is gone is nobody's loss */

	(void)done;
}

static void give_back(void)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
	put(LEAVE, sizeof(LEAVE) - 1);
}

static void take(void)
{
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.ours);
	put(ENTER, sizeof(ENTER) - 1);
}

static void on_end(int sig)
{
	size_t i;

	give_back();
	for (i = 0; i < ENDING; i++) {
		if (ending[i] == sig)
			(void)sigaction(sig, &screen.old[i], NULL);
	}
	(void)raise(sig);
}

static void on_stop(int sig)
{
	int saved = errno;

	(void)sig;
	give_back();
	(void)raise(SIGSTOP);
	take(); /* here again after SIGCONT */
	errno = saved;
}

/* A new size, or the foreground again: poll() was cut short, which is enough. */
static void on_change(int sig)
{
	(void)sig;
}

static void handle(int sig, void (*fn)(int), struct sigaction *old)
{
	struct sigaction a = { .sa_handler = fn };

	(void)sigemptyset(&a.sa_mask);
	(void)sigaction(sig, NULL, old);
	if (old->sa_handler != SIG_IGN)
		(void)sigaction(sig, &a, NULL);
}

int screen_open(struct err *e)
{
	size_t i;

	if (tcgetattr(STDIN_FILENO, &screen.before) < 0)
		return err_errno(e, errno, "cannot ask the terminal for its mode");
	screen.ours = screen.before;
	screen.ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	screen.ours.c_cc[VMIN] = 1;
	screen.ours.c_cc[VTIME] = 0;
	for (i = 0; i < ENDING; i++)
		handle(ending[i], on_end, &screen.old[i]);
	handle(SIGTSTP, on_stop, &screen.old_stop);
	handle(SIGCONT, on_change, &screen.old_continue);
	handle(SIGWINCH, on_change, &screen.old_size);
	screen.is_open = true;
	take();
	return 0;
}

void screen_close(void)
{
	size_t i;

	if (!screen.is_open)
		return;
	screen.is_open = false;
	give_back();
	for (i = 0; i < ENDING; i++)
		(void)sigaction(ending[i], &screen.old[i], NULL);
	(void)sigaction(SIGTSTP, &screen.old_stop, NULL);
	(void)sigaction(SIGCONT, &screen.old_continue, NULL);
	(void)sigaction(SIGWINCH, &screen.old_size, NULL);
}

unsigned int screen_height(void)
{
	struct winsize ws = { .ws_row = 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_row == 0)
		return HEIGHT_DEFAULT;
	return ws.ws_row;
}

/* One write: from the top, each line with its rest wiped, then all below it. */
int screen_draw(const char *text, size_t n)
{
	auto_buf struct buf b = BUF_MAX(DRAW_MAX);
	const char *end = text + n, *line, *newline;
	int rc = buf_add_str(&b, "\033[H");

	for (line = text; rc == 0 && line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			newline = end;
		rc = buf_add(&b, line, (size_t)(newline - line));
		if (rc == 0)
			rc = buf_add_str(&b, newline + 1 < end ? "\033[K\r\n" : "\033[K");
	}
	if (rc == 0)
		rc = buf_add_str(&b, "\033[J");
	return rc == 0 ? fd_write_all(STDOUT_FILENO, b.p, b.n) : rc;
}

int screen_key(unsigned int timeout_ms)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char keys[64];
	int n = poll(&p, 1, (int)timeout_ms);
	ssize_t got;

	if (n <= 0)
		return n == 0 || errno == EINTR ? 0 : -1;
	got = read(STDIN_FILENO, keys, sizeof(keys));
	if (got <= 0)
		return got < 0 && errno == EINTR ? 0 : -1;
	return keys[0] == '\033' ? '\033'
				 : keys[0]; /* an arrow key is one key that means nothing */
}
