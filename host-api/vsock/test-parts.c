/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts: the greeting line, the backlog, the log limit, the command line, signals. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "vsockdev/backlog.h"
#include "vsockdev/greeting.h"
#include "vsockdev/host_socket.h"
#include "vsockdev/log_limit.h"
#include "vsockdev/options.h"
#include "vsockdev/pid_file.h"

static int greeting(const char *text, uint32_t *port)
{
	*port = 0;
	return greeting_parse(text, strlen(text), port);
}

static void test_greeting_line(void)
{
	uint32_t port;

	assert(greeting("CONNECT 99\n", &port) == 11 && port == 99);
	assert(greeting("CONNECT 4294967294\nrest", &port) == 19 && port == 4294967294);
	assert(greeting("", &port) == 0 && greeting("CONN", &port) == 0);
	assert(greeting("CONNECT 12", &port) == 0);
	assert(greeting("CONNECT 4294967295\n", &port) == ERR_PROTO); /* any port */
	assert(greeting("CONNECT \n", &port) == ERR_PROTO);
	assert(greeting("CONNECT\n", &port) == ERR_PROTO);
	assert(greeting("CONNECT 1 \n", &port) == ERR_PROTO);
	assert(greeting("CONNECT -1\n", &port) == ERR_PROTO);
	assert(greeting("CONNECT +1\n", &port) == ERR_PROTO);
	assert(greeting("connect 1\n", &port) == ERR_PROTO);
	assert(greeting("GET", &port) == ERR_PROTO && greeting("\n", &port) == ERR_PROTO);
	assert(greeting("CONNECT 00000000000000000000000000000000001\n", &port) == ERR_PROTO);
	assert(greeting_parse("CONNECT 1\0\n", 11, &port) == ERR_PROTO);
	assert(greeting_parse("CONNECT 1\r\n", 11, &port) == ERR_PROTO);
}

/* NOLINTNEXTLINE(readability-function-cognitive-complexity): a list of claims */
static void test_backlog_keeps_order_and_its_limit(void)
{
	struct backlog b = { .n = 0 };
	struct iovec iov[2] = { { .iov_base = (char[]){ "abcdef" }, .iov_len = 6 },
				{ .iov_base = (char[]){ "ghij" }, .iov_len = 4 } };
	char got[32] = "";
	int p[2], i;

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) == 0);
	/* many rounds, so that it wraps at each place */
	for (i = 0; i < 40; i++) {
		assert(backlog_add(&b, 13, iov, 2) == 0 && b.n == 10);
		assert(backlog_add(&b, 13, iov, 1) == -EMSGSIZE && b.n == 10);
		assert(backlog_add(&b, 13, iov, 0) == 0);
		assert(backlog_flush(&b, p[0]) == 10 && b.n == 0);
		assert(recv(p[1], got, sizeof got, 0) == 10 && memcmp(got, "abcdefghij", 10) == 0);
	}
	assert(backlog_add(&b, 13, iov, 2) == 0);
	assert(backlog_add(&b, 26, iov, 2) == 0 && b.n == 20); /* grows with what waits */
	assert(backlog_flush(&b, p[0]) == 20);
	assert(recv(p[1], got, sizeof got, 0) == 20 && memcmp(got + 10, "abcdefghij", 10) == 0);
	(void)close(p[1]);
	assert(backlog_add(&b, 26, iov, 1) == 0 && backlog_flush(&b, p[0]) == -EPIPE);
	backlog_deinit(&b);
	backlog_deinit(&b);
	(void)close(p[0]);
}

static void test_log_limit_counts_what_it_hides(void)
{
	struct log_limit l = { .used = 0 };
	uint32_t hidden = 77, i, shown = 0;

	for (i = 0; i < 1000; i++)
		shown += log_limit_take(&l, 5000, &hidden);
	assert(shown == LOG_LIMIT_BURST && hidden == 0);
	assert(log_limit_take(&l, 6000, &hidden) && hidden == 1000 - LOG_LIMIT_BURST);
	assert(!log_limit_take(&l, 6001, &hidden));
	assert(log_limit_take(&l, 1000000, &hidden));
}

static int parse(struct options *o, const char *a, const char *b, const char *c)
{
	/* static: what is parsed points into it */
	static char name[] = "bailey-vsock", cid[] = "--cid", seven[] = "7";
	static char vhost[] = "--vhost-user=v", last[3][64];
	char *argv[] = { name, cid, seven, vhost, last[0], last[1], last[2], NULL };
	struct err e = ERR_NONE;
	int argc = 4, rc;
	const char *more[] = { a, b, c };
	size_t i;

	for (i = 0; i < 3 && more[i]; i++, argc++)
		assert(str_copy(last[i], sizeof last[i], more[i]) >= 0);
	argv[argc] = NULL;
	rc = options_parse(argc, argv, o, &e);
	assert(rc == 0 || (rc == ERR_INPUT && e.text[0]));
	return rc;
}

static void test_command_line(void)
{
	struct options o;

	assert(parse(&o, "--uds=u", NULL, NULL) == 0 && o.cid == 7 && strcmp(o.uds, "u") == 0);
	assert(parse(&o, "--uds=u", "--cid=2", NULL) == ERR_INPUT);
	assert(parse(&o, "--uds=u", "--cid=4294967295", NULL) == ERR_INPUT);
	assert(parse(&o, "--uds=u", "--cid=x", NULL) == ERR_INPUT);
	assert(parse(&o, NULL, NULL, NULL) == ERR_INPUT);
	assert(parse(&o, "--uds=u", "more", NULL) == ERR_INPUT);
	assert(parse(&o, "--uds=u", "--frobnicate", NULL) == ERR_INPUT);
	assert(parse(&o, "--uds", NULL, NULL) == ERR_INPUT);
	assert(parse(&o, "--help", NULL, NULL) == 0 && o.help);
	assert(parse(&o, "--version", NULL, NULL) == 0 && o.version);
	assert(parse(&o, "--uds=u", "--pid-file=p", "--user=nobody") == 0 && o.pid_file && o.user);
	assert(parse(&o, "--uds=u", "--console=c", "--console-max=65536") == 0 && o.console &&
	       o.console_max == 65536);
	assert(parse(&o, "--uds=u", "--console=c", "--console-max=65535") == ERR_INPUT);
	assert(parse(&o, "--uds=u", "--console=c", "--console-max=x") == ERR_INPUT);
	assert(parse(&o, "--uds=u", "--console=c", NULL) == ERR_INPUT);
	assert(parse(&o, "--uds=u", "--console-max=65536", NULL) == ERR_INPUT);
}

static void test_pid_file_is_held(void)
{
	char path[] = "/tmp/vsock-pid-XXXXXX";
	struct err e = ERR_NONE;
	int fd = mkstemp(path), first, second;

	(void)close(fd);
	first = pid_file_open(path, &e);
	assert(first >= 0);
	assert(pid_file_open(path, &e) == -EBUSY);
	(void)close(first);
	second = pid_file_open(path, &e);
	assert(second >= 0);
	(void)close(second);
	assert(unlink(path) == 0);
}

static void test_listening_replaces_sockets_only(void)
{
	char dir[] = "/tmp/vsock-listen-XXXXXX", path[64];
	struct err e = ERR_NONE;
	int a, b;

	assert(mkdtemp(dir));
	assert(str_format(path, sizeof path, "%s/s", dir) > 0);
	a = host_socket_listen(path, &e);
	b = host_socket_listen(path, &e);
	assert(a >= 0 && b >= 0);
	(void)close(a);
	(void)close(b);
	assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
	assert(host_socket_listen(path, &e) == -EEXIST);
	assert(rmdir(path) == 0 && rmdir(dir) == 0);
}

int main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	assert(sigaction(SIGPIPE, &ignore, NULL) == 0);
	test_greeting_line();
	test_backlog_keeps_order_and_its_limit();
	test_log_limit_counts_what_it_hides();
	test_command_line();
	test_pid_file_is_held();
	test_listening_replaces_sockets_only();
	return 0;
}
