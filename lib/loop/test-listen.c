/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets by address, and work on the thread pool. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "test_http.h"

#include <pthread.h>

#include "loop/work.h"

static char path[64];

static void test_unix_socket_has_its_mode_and_no_leftovers(void)
{
	struct err e = ERR_NONE;
	struct stat st;
	char aside[80];
	int fd = listen_unix(path, 0620, &e);
	int c;

	assert(fd >= 0 && lstat(path, &st) == 0);
	assert(S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0620);
	assert(fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK));
	(void)snprintf(aside, sizeof(aside), "%s~", path);
	assert(access(aside, F_OK) < 0);
	c = connect_unix(path, &e);
	assert(c >= 0 && (fcntl(c, F_GETFL) & O_NONBLOCK) && fcntl(c, F_GETFD) == FD_CLOEXEC);
	(void)close(c);

	/* served: kept */
	assert(listen_unix(path, 0600, &e) == ERR_CONFLICT && strstr(e.text, path));
	(void)close(fd);
	/* stale: replaced */
	assert(connect_unix(path, &e) == -ECONNREFUSED);
	fd = listen_unix(path, 0600, &e);
	assert(fd >= 0);
	(void)close(fd);
	assert(unlink(path) == 0);
}

static void test_what_is_no_socket_is_kept(void)
{
	struct err e = ERR_NONE;
	int fd = open(path, O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0600);

	assert(fd >= 0 && close(fd) == 0);
	assert(listen_unix(path, 0600, &e) == ERR_CONFLICT && strstr(e.text, "not a socket"));
	assert(access(path, F_OK) == 0 && unlink(path) == 0);
}

static void test_long_and_missing_paths_are_named(void)
{
	char text[200];
	struct err e = ERR_NONE;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert(listen_unix(text, 0600, &e) == -ENAMETOOLONG && strstr(e.text, "199 bytes"));
	assert(connect_unix(text, &e) == -ENAMETOOLONG);
	text[107] = 0; /* fits by itself, but not the name it is bound aside with */
	assert(listen_unix(text, 0600, &e) == -ENAMETOOLONG && strstr(e.text, "107 bytes"));
	assert(connect_unix("./no/such", &e) == -ENOENT && strstr(e.text, "./no/such"));
	assert(listen_unix("./no/such", 0600, &e) == -ENOENT);
	assert(connect_unix("", &e) == -ENAMETOOLONG);
}

static void test_full_backlog_does_not_wait(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct err e = ERR_NONE;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int c[16];
	size_t n;

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 && listen(fd, 1) == 0);
	for (n = 0; n < 16 && (c[n] = connect_unix(path, &e)) >= 0; n++)
		continue;
	assert(n < 16 && c[n] == -EAGAIN);
	/* which is a sign of life */
	assert(listen_unix(path, 0600, &e) == ERR_CONFLICT);
	while (n-- > 0)
		(void)close(c[n]);
	(void)close(fd);
	assert(unlink(path) == 0);
}

static void test_tcp_addresses(void)
{
	static const char *const bad[] = {
		"",	"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "localhost:80",
		":80",	"[::1]",     "[::1:80",	   "::1:80",	      "127.0.0.1:-1",
		"[]:1", "1.2.3:80",  "[1.2.3.4]:1"
	};
	struct sockaddr_storage sa;
	struct err e = ERR_NONE;
	socklen_t n = 0;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert(listen_parse_tcp(bad[i], &sa, &n) == -EINVAL);
		assert(listen_tcp(bad[i], &e) == ERR_INPUT && strstr(e.text, "127.0.0.1:8000"));
	}
	assert(listen_parse_tcp("[::1]:443", &sa, &n) == 0 && n == sizeof(struct sockaddr_in6));
	assert(((struct sockaddr_in6 *)&sa)->sin6_port == htons(443));
	fd = listen_tcp("127.0.0.1:0", &e);
	assert(fd >= 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK));
	(void)close(fd);
}

static void test_an_address_is_tcp_or_a_path(void)
{
	struct sockaddr_storage sa;
	socklen_t n = 0;
	char deep[160];

	assert(listen_parse("unix:/run/x", &sa, &n) == 0 && n == sizeof(struct sockaddr_un));
	assert(strcmp(((struct sockaddr_un *)&sa)->sun_path, "/run/x") == 0);
	assert(listen_parse("127.0.0.1:1", &sa, &n) == 0 && n == sizeof(struct sockaddr_in));
	assert(listen_parse("unix:x", &sa, NULL) == -EINVAL);
	assert(listen_parse("unix:", &sa, NULL) == -EINVAL);
	(void)snprintf(deep, sizeof(deep), "unix:/%0108d", 0);
	assert(listen_parse(deep, &sa, NULL) == -EINVAL);
}

static void test_vsock_works_or_says_how(void)
{
	struct err e = ERR_NONE;
	int fd = listen_vsock(2, 999999, &e);

	if (fd < 0)
		assert(fd == ERR_MISSING && strstr(e.text, "modprobe vhost_vsock"));
	(void)fd_close(fd);
}

struct job {
	pthread_t ran_on;
	int in, out;
	bool is_done;
};

static void run(void *arg)
{
	struct job *j = arg;

	j->ran_on = pthread_self();
	j->out = j->in * 2;
}

static void done(void *arg)
{
	((struct job *)arg)->is_done = true;
}

static void test_work_runs_elsewhere_and_ends_here(void)
{
	static struct test_http t;
	struct job jobs[20];
	int i;

	memset(jobs, 0, sizeof(jobs));
	test_loop_start(&t);
	for (i = 0; i < 20; i++) {
		jobs[i].in = i;
		work_start(&t.loop, run, done, &jobs[i]);
		assert(!jobs[i].is_done);
	}
	for (i = 0; i < 20; i++) {
		TEST_UNTIL(&t, jobs[i].is_done);
		assert(jobs[i].out == 2 * i && !pthread_equal(jobs[i].ran_on, pthread_self()));
	}
	test_loop_end(&t);
}

int main(void)
{
	(void)snprintf(path, sizeof(path), "./listen-test-%d", (int)getpid());
	test_unix_socket_has_its_mode_and_no_leftovers();
	test_what_is_no_socket_is_kept();
	test_long_and_missing_paths_are_named();
	test_full_backlog_does_not_wait();
	test_tcp_addresses();
	test_an_address_is_tcp_or_a_path();
	test_vsock_works_or_says_how();
	test_work_runs_elsewhere_and_ends_here();
	return 0;
}
