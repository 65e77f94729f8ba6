/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_port: who says nothing keeps nobody out, and the first byte decides who serves */
#undef NDEBUG
#include "guest-stub/port.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/http_server.h"
#include "loop/listen.h"

enum { MANY = 2 * PORT_WAITING_MAX };

static struct {
	char dir[64], path[96];
	uv_loop_t loop;
	struct http_server *plain, *secure;
	struct port port;
	uv_timer_t tick; /* so that uv_run() returns */
	unsigned int n_stopped;
} t;

static void on_request(struct http_request *r, void *arg)
{
	http_reply(r, 200, "text/plain", arg, strlen(arg), NULL);
}

static struct http_server *server(const char *name)
{
	const struct http_server_options o = { .on_request = on_request, .arg = mem_unconst(name) };
	struct http_server *s = NULL;

	assert(http_server_start(&s, &t.loop, &o, NULL) == 0);
	return s;
}

static void on_tick(uv_timer_t *tick)
{
	(void)tick;
}

static void begin(void)
{
	struct err e = ERR_NONE;
	int fd;

	memset(&t, 0, sizeof(t));
	(void)str_copy(t.dir, sizeof(t.dir), "/tmp/bailey-port-XXXXXX");
	assert(mkdtemp(t.dir) && uv_loop_init(&t.loop) == 0);
	assert(uv_timer_init(&t.loop, &t.tick) == 0);
	assert(uv_timer_start(&t.tick, on_tick, 2, 2) == 0);
	assert(str_format(t.path, sizeof(t.path), "%s/sock", t.dir) > 0);
	t.plain = server("plain");
	fd = listen_unix(t.path, 0600, &e);
	assert(fd >= 0 && port_start(&t.port, &t.loop, fd, t.plain, &e) == 0);
}

static void stopped(void *arg)
{
	(void)arg;
	t.n_stopped++;
}

static void end(void)
{
	port_stop(&t.port);
	uv_close((uv_handle_t *)&t.tick, NULL);
	http_server_stop(t.plain, stopped, NULL);
	http_server_stop(t.secure, stopped, NULL);
	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0 && t.n_stopped == 1 + (t.secure != NULL));
	assert(uv_loop_close(&t.loop) == 0);
	assert(unlink(t.path) == 0 && rmdir(t.dir) == 0);
}

static int client(void)
{
	int fd = connect_unix(t.path, NULL);

	assert(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

static bool is_gone(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* What the servers, told apart by their answers, say to a request on @fd, whose first bytes are @first. */
static bool answers(int fd, const char *first, const char *name)
{
	static const char rest[] = "ET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char got[2000];
	size_t n = 0;
	ssize_t more = -1;

	assert(send(fd, first, 1, 0) == 1 && send(fd, rest, sizeof(rest) - 1, 0) > 0);
	while (more != 0) {
		(void)uv_run(&t.loop, UV_RUN_ONCE);
		more = recv(fd, got + n, sizeof(got) - 1 - n, 0);
		n += more > 0 ? (size_t)more : 0;
	}
	got[n] = 0;
	return strstr(got, name) != NULL;
}

static void test_silent_clients_keep_nobody_out(void)
{
	int fds[MANY], i, late;

	begin();
	for (i = 0; i < MANY; i++) {
		fds[i] = client();
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	}
	while (t.port.n_waiting < PORT_WAITING_MAX || !is_gone(fds[MANY - PORT_WAITING_MAX - 1]))
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	assert(t.port.n_waiting == PORT_WAITING_MAX);
	assert(is_gone(fds[0]) && !is_gone(fds[MANY - 1]));
	late = client();
	assert(answers(late, "G", "plain"));
	assert(answers(fds[MANY - 1], "G", "plain"));
	(void)close(late);
	for (i = 0; i < MANY; i++)
		(void)close(fds[i]);
	while (t.port.n_waiting > 0) /* who left is forgotten */
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	end();
}

/* The server behind is the same here: that it is the other one which answers is what counts. */
static void test_the_first_byte_decides(void)
{
	int fd;

	begin();
	fd = client();
	assert(!answers(fd, "\x16", "secure")); /* there is none: plain HTTP refuses it */
	(void)close(fd);
	t.port.secure = t.secure = server("secure");
	fd = client();
	assert(answers(fd, "G", "plain"));
	(void)close(fd);
	fd = client();
	assert(send(fd, "\x16", 1, 0) == 1);
	while (http_server_n_conns(t.secure) == 0)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	assert(t.port.n_waiting == 0 && http_server_n_conns(t.plain) == 0);
	(void)close(fd);
	end();
}

int main(void)
{
	test_silent_clients_keep_nobody_out();
	test_the_first_byte_decides();
	return 0;
}
