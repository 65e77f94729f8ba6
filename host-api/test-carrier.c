/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching a guest through the unix convention, with carriers that behave and carriers that do not. */
#include "loop/test_http.h"

#include "host-api/carrier.h"
#include "host-api/guest_call.h"
#include "loop/http_client.h"

struct side {
	struct test_http t;
	int listener;
	int peer; /* the carrier's end */
	int fd;	  /* ours, once connected */
	bool is_done;
	struct err e;
	struct carrier_address a;
	struct carrier_connect *c;
	struct http_client *client;
	char json[256];
};

static void start(struct side *s)
{
	memset(s, 0, sizeof(*s));
	s->peer = s->fd = -1;
	test_loop_start(&s->t);
	(void)snprintf(s->a.uds, sizeof(s->a.uds), "./carrier-test-%d", (int)getpid());
	s->listener = listen_unix(s->a.uds, 0600, &s->e);
	assert(s->listener >= 0);
	assert(http_client_start(&s->client, &s->t.loop, &s->e) == 0);
}

static void end(struct side *s)
{
	http_client_stop(s->client, test_on_stopped, &s->t);
	TEST_UNTIL(&s->t, s->t.stopped);
	s->listener = fd_close(s->listener);
	s->peer = fd_close(s->peer);
	s->fd = fd_close(s->fd);
	(void)unlink(s->a.uds);
	test_loop_end(&s->t);
}

static void on_connected(void *arg, int fd, const struct err *e)
{
	struct side *s = arg;

	assert(!s->is_done);
	s->is_done = true;
	s->fd = fd;
	assert((fd >= 0) == !e);
	if (e)
		s->e = *e;
}

static int connect_guest(struct side *s, unsigned int timeout_ms)
{
	const struct carrier_connect_options o = {
		.loop = &s->t.loop, .address = &s->a, .port = 8000, .timeout_ms = timeout_ms
	};

	return carrier_connect(&s->c, &o, on_connected, s, &s->e);
}

/* Begin to connect, and be the carrier up to the request line. */
static void begin(struct side *s, unsigned int timeout_ms)
{
	char line[32] = "";

	s->is_done = false;
	s->fd = fd_close(s->fd);
	s->peer = fd_close(s->peer);
	assert(connect_guest(s, timeout_ms) == 0);
	assert(!s->is_done);
	s->peer = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	assert(s->peer >= 0 && read(s->peer, line, sizeof(line) - 1) > 0);
	assert(strcmp(line, "CONNECT 8000\n") == 0);
}

static void say(const struct side *s, const char *text)
{
	assert(send(s->peer, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void test_ok_line(void)
{
	assert(carrier_ok_line("OK 1024\nrest", 12) == 8);
	assert(carrier_ok_line("OK 0\n", 5) == 5);
	assert(carrier_ok_line("", 0) == 0);
	assert(carrier_ok_line("O", 1) == 0 && carrier_ok_line("OK 12", 5) == 0);
	assert(carrier_ok_line("OK \n", 4) == ERR_PROTO);
	assert(carrier_ok_line("OK\n", 3) == ERR_PROTO);
	assert(carrier_ok_line("OK -1\n", 6) == ERR_PROTO);
	assert(carrier_ok_line("ok 1\n", 5) == ERR_PROTO);
	assert(carrier_ok_line("OK 1\r\n", 6) == ERR_PROTO);
	assert(carrier_ok_line("\0", 1) == ERR_PROTO);
	assert(carrier_ok_line("OK 00000000000000000000000000000000000\n", 39) == ERR_PROTO);
}

static void test_connects_and_takes_only_the_line(void)
{
	static struct side s;
	char text[16] = "";

	start(&s);
	begin(&s, 0);
	say(&s, "OK 1");
	test_turn(&s.t);
	test_turn(&s.t);
	assert(!s.is_done);
	say(&s, "234\nfirst");
	TEST_UNTIL(&s.t, s.is_done);
	assert(s.fd >= 0 && recv(s.fd, text, sizeof(text), MSG_DONTWAIT) == 5);
	assert(strcmp(text, "first") == 0);
	end(&s);
}

static void test_refusals_and_nonsense_are_errors(void)
{
	static const char *const bad[] = { "NO\n", "OK x\n", "HTTP/1.1 200 OK\r\n",
					   "OK 1111111111111111111111111111111111111111" };
	static struct side s;
	size_t i;

	start(&s);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&s, 0);
		say(&s, bad[i]);
		TEST_UNTIL(&s.t, s.is_done);
		assert(s.fd < 0 && s.e.code == ERR_PROTO);
	}
	begin(&s, 0);
	s.peer = fd_close(s.peer);
	TEST_UNTIL(&s.t, s.is_done);
	assert(s.fd < 0 && s.e.code == -ECONNREFUSED && strstr(s.e.text, "port 8000"));
	end(&s);
}

static void test_silence_has_a_deadline_and_can_be_cancelled(void)
{
	static struct side s;
	int i;

	start(&s);
	begin(&s, 150);
	say(&s, "OK ");
	TEST_UNTIL(&s.t, s.is_done);
	assert(s.fd < 0 && s.e.code == -ETIMEDOUT);
	begin(&s, 0);
	carrier_connect_cancel(s.c);
	say(&s, "OK 1\n");
	for (i = 0; i < 5; i++)
		test_turn(&s.t);
	assert(!s.is_done);
	carrier_connect_cancel(NULL);
	end(&s);
}

static void test_nobody_there_fails_at_once(void)
{
	static struct side s;

	start(&s);
	s.listener = fd_close(s.listener);
	assert(connect_guest(&s, 0) == -ECONNREFUSED);
	assert(!s.is_done);
	s.a.uds[0] =
		0; /* the kernel's: no vsock on most test machines, so any error but no crash */
	s.a.cid = 4000000;
	if (connect_guest(&s, 200) == 0) {
		TEST_UNTIL(&s.t, s.is_done);
		assert(s.fd < 0);
	}
	end(&s);
}

static void test_long_paths_are_named(void)
{
	char path[CARRIER_PATH_MAX + 40];
	struct err e = ERR_NONE;
	int fd;

	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = 0;
	assert(carrier_listen_unix(path, 10000, 0600, &e) == -ENAMETOOLONG && e.text[0]);
	(void)snprintf(path, sizeof(path), "./carrier-listen-%d", (int)getpid());
	fd = carrier_listen_unix(path, 10000, 0600, &e);
	assert(fd >= 0 && close(fd) == 0);
	strcat(path, "_10000"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy): it fits */
	assert(unlink(path) == 0);
}

static void on_reply(void *arg, const char *json, size_t n, const struct err *e)
{
	struct side *s = arg;

	s->is_done = true;
	(void)snprintf(s->json, sizeof(s->json), "%.*s", (int)n, json ? json : "");
	if (e)
		s->e = *e;
	assert(!json == !!e);
}

/* Be the guest agent for one call. */
static void serve(struct side *s, const char *answer)
{
	char head[512] = "";
	ssize_t n = 0;

	s->peer = fd_close(s->peer);
	s->peer = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	assert(s->peer >= 0 && read(s->peer, head, sizeof(head)) == 13);
	say(s, "OK 5\n");
	memset(head, 0, sizeof(head));
	while (!strstr(head, "\r\n\r\nnull")) {
		test_turn(&s->t);
		n += recv(s->peer, head + n, sizeof(head) - 1 - (size_t)n, MSG_DONTWAIT) > 0
			     ? (ssize_t)strlen(head + n)
			     : 0;
	}
	assert(strncmp(head, "POST /api/Info?json HTTP/1.1\r\n", 30) == 0);
	assert(!strstr(head, "Content-Type"));
	say(s, answer);
}

static void call(struct side *s, unsigned int timeout_ms, struct guest_call **ret)
{
	const struct guest_call_options o = { .loop = &s->t.loop,
					      .client = s->client,
					      .address = &s->a,
					      .method = "Info",
					      .timeout_ms = timeout_ms };

	s->is_done = false;
	assert(guest_call_start(ret, &o, on_reply, s, &s->e) == 0);
	assert(!s->is_done);
}

static void test_guest_call(void)
{
	static struct side s;
	struct guest_call *c = NULL;
	int i;

	start(&s);
	call(&s, 0, &c);
	serve(&s, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"version\":1}");
	TEST_UNTIL(&s.t, s.is_done);
	assert(strcmp(s.json, "{\"version\":1}") == 0);

	call(&s, 0, NULL);
	serve(&s, "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nxx");
	TEST_UNTIL(&s.t, s.is_done);
	assert(strcmp(s.e.text, "Invalid status code: 503, path=Info?json") == 0);

	call(&s, 200, NULL);
	serve(&s, "HTTP/1.1 200 OK\r\n");
	TEST_UNTIL(&s.t, s.is_done);
	assert(s.e.code == -ETIMEDOUT && strstr(s.e.text, "calling Info of the guest"));

	/* more than we take, announced in advance */
	call(&s, 0, NULL);
	serve(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff0\r\n");
	TEST_UNTIL(&s.t, s.is_done);
	assert(s.e.code == ERR_LIMIT);

	call(&s, 0, &c);
	guest_call_cancel(c);
	for (i = 0; i < 5; i++)
		test_turn(&s.t);
	assert(!s.is_done);
	end(&s);
}

int main(void)
{
	test_ok_line();
	test_connects_and_takes_only_the_line();
	test_refusals_and_nonsense_are_errors();
	test_silence_has_a_deadline_and_can_be_cancelled();
	test_nobody_there_fails_at_once();
	test_long_paths_are_named();
	test_guest_call();
	return 0;
}
