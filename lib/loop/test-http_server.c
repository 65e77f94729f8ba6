/* SPDX-License-Identifier: Apache-2.0 */
/* What the server promises to clients that behave and to those that do not, on a real unix socket. */
#include "test_handler.h"

static void test_request_arrives_whole_and_undecoded(void)
{
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c,
		 POST("/api/A%20b?json&x=%41") "Content-Type: a/b\r\nContent-Length: "
					       "5\r\n\r\nhello");
	TEST_UNTIL_HAS(&h.t, &c, "hello");
	assert(strstr(test_text(&c), "POST /api/A%20b ?json&x=%41 a/b hello"));
	assert(strstr(test_text(&c), "Content-Length: "));
	assert(strstr(test_text(&c), "Content-Type: text/plain\r\n"));
	assert(!strstr(test_text(&c), "chunked"));
	assert(h.uid == getuid() && strcmp(h.peer, "peer") == 0);
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_headers_are_on_every_answer(void)
{
	static const struct http_header headers[] = { { "X-Mine", "1" },
						      { "content-type", "never" },
						      { NULL, NULL } };
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ .headers = headers });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/1"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /1 ");
	assert(strstr(test_text(&c), "\r\nX-Mine: 1\r\n"));
	assert(strstr(test_text(&c), "text/plain") && !strstr(test_text(&c), "never"));
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_small_segments_are_one_request(void)
{
	static const char text[] = POST("/x") "Content-Length: 10\r\n\r\n0123456789";
	static struct handler h;
	struct test_client c;
	size_t i;

	test_start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	for (i = 0; i < strlen(text); i++) {
		test_send(&h.t, &c, text + i, 1);
		test_turn(&h.t);
	}
	TEST_UNTIL_HAS(&h.t, &c, "0123456789");
	assert(h.n_calls == 1);
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_connection_is_kept_and_pipelined(void)
{
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/1"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /1 ");
	TEST_SAY(&h.t, &c, GET("/2") GET("/3") POST("/4") "Content-Length: 2\r\n\r\nab" GET("/5"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /5 ");
	assert(h.n_calls == 5 && test_count(&c, "HTTP/1.1 200") == 5);
	assert(strstr(test_text(&c), "GET /3 ") < strstr(test_text(&c), "POST /4 "));
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_pipelined_requests_wait_for_a_held_answer(void)
{
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/1") GET("/2"));
	TEST_UNTIL(&h.t, h.n_held == 1);
	h.hold = false;
	http_reply(h.held[0], 201, NULL, "first", 5, NULL);
	TEST_UNTIL_HAS(&h.t, &c, "GET /2 ");
	assert(strstr(test_text(&c), "HTTP/1.1 201") && strstr(test_text(&c), "first"));
	test_hang_up(&c);
	test_server_end(&h.t);
}

/* guest-kms.md 0.3: the client sends FIN after its request and waits for the end. */
static void test_half_closed_client_gets_its_answer_and_the_end(void)
{
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, POST("/x") "Content-Length: 2\r\n\r\nab");
	assert(shutdown(c.fd, SHUT_WR) == 0);
	TEST_UNTIL_ENDED(&h.t, &c);
	assert(strstr(test_text(&c), "200") && strstr(test_text(&c), "ab") && !c.reset);
	test_hang_up(&c);

	h.hold = true;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/later"));
	assert(shutdown(c.fd, SHUT_WR) == 0);
	TEST_UNTIL(&h.t, h.n_held == 1);
	test_turn(&h.t);
	test_turn(&h.t);
	assert(h.n_gone == 0);
	http_reply(h.held[0], 200, NULL, "here", 4, NULL);
	TEST_UNTIL_ENDED(&h.t, &c);
	assert(strstr(test_text(&c), "\r\n\r\nhere") && !c.reset);
	test_hang_up(&c);

	/* FIN after the answer, as a client with keep-alive ends */
	h.hold = false;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /x");
	assert(shutdown(c.fd, SHUT_WR) == 0);
	TEST_UNTIL_ENDED(&h.t, &c);
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_gone_client_is_told_and_its_answer_dropped(void)
{
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL(&h.t, h.n_held == 1);
	test_hang_up(&c);
	TEST_UNTIL(&h.t, h.n_gone == 1);
	http_reply(h.held[0], 200, NULL, "nobody", 6, NULL);
	TEST_UNTIL(&h.t, http_server_n_conns(h.t.server) == 0);
	assert(h.n_gone == 1);
	test_server_end(&h.t);
}

static void test_stop_ends_held_requests_that_are_answered_later(void)
{
	static struct handler h;
	struct test_client c[3];
	int i;

	test_start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	for (i = 0; i < 3; i++) {
		c[i] = test_connect(&h.t);
		TEST_SAY(&h.t, &c[i], POST("/x") "Content-Length: 1\r\n\r\nz");
	}
	TEST_UNTIL(&h.t, h.n_held == 3);
	http_reply(h.held[0], 200, NULL, "", 0, NULL); /* asked for, not yet sent */
	http_server_stop(h.t.server, test_on_stopped, &h.t);
	TEST_UNTIL(&h.t, h.t.stopped);
	assert(h.n_gone == 2);
	assert(strcmp(http_request_path(h.held[1]), "/x") == 0);
	http_reply(h.held[1], 200, NULL, "late", 4, NULL);
	http_reply(h.held[2], 200, NULL, "late", 4, NULL);
	for (i = 0; i < 3; i++) {
		TEST_UNTIL_ENDED(&h.t, &c[i]);
		test_hang_up(&c[i]);
	}
	(void)unlink(h.t.path);
	test_loop_end(&h.t);
}

static void test_malformed_is_refused_and_the_server_lives(void)
{
	static const char *const bad[] = {
		"\x16\x03\x01 not http\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: zz\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"GET / HTTP/1.1\r\nnocolon\r\n\r\n",
	};
	static struct handler h;
	struct test_client c;
	size_t i;

	test_start(&h, (struct http_server_options){ 0 });
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = test_connect(&h.t);
		TEST_SAY(&h.t, &c, bad[i]);
		(void)shutdown(c.fd, SHUT_WR);
		TEST_UNTIL_ENDED(&h.t, &c);
		assert(!strstr(test_text(&c), "HTTP/1.1 200") || i == 1 || i == 7);
		test_hang_up(&c);
	}
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/alive"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /alive");
	test_hang_up(&c);
	test_server_end(&h.t);
}

/* What hides in the body of one request is never taken for the next. */
static void test_requests_whose_end_is_ambiguous_are_refused(void)
{
	static const char *const bad[] = {
		"Content-Length: 0\r\nContent-Length: 30\r\n\r\n",
		"Content-Length: 30\r\nContent-Length: 0\r\n\r\n",
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"Content-Length : 30\r\n\r\n",
		"Host: y\r\nContent-Length: 0\r\n\r\n",
	};
	static struct handler h;
	struct test_client c;
	size_t i;

	test_start(&h, (struct http_server_options){ 0 });
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = test_connect(&h.t);
		TEST_SAY(&h.t, &c, POST("/x"));
		TEST_SAY(&h.t, &c, bad[i]);
		(void)!send(c.fd, GET("/hidden"), strlen(GET("/hidden")), MSG_NOSIGNAL);
		TEST_UNTIL_ENDED(&h.t, &c);
		assert(h.n_calls == 0 && strstr(test_text(&c), "HTTP/1.1 400") &&
		       test_count(&c, "HTTP/1.1 ") == 1);
		test_hang_up(&c);
	}
	test_server_end(&h.t);
}

static void test_added_socket_is_served_with_its_peer(void)
{
	static struct handler h;
	struct test_client c = { .in = BUF_MAX(1 << 20) };
	struct err e = ERR_NONE;
	int sv[2];

	test_start(&h, (struct http_server_options){ .conns_max = 1 });
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	c.fd = sv[0];
	assert(http_server_add(h.t.server, sv[1], "added", 6, &e) == 0);
	TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /x");
	assert(strcmp(h.peer, "added") == 0);

	/* one more is refused, and its fd is closed */
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	assert(http_server_add(h.t.server, sv[1], NULL, 0, &e) == ERR_LIMIT);
	assert(fcntl(sv[1], F_GETFD) == -1 && errno == EBADF);
	(void)close(sv[0]);
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_stop_inside_a_request(void)
{
	static struct handler h;
	struct test_client c;

	test_start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/1"));
	TEST_UNTIL(&h.t, h.n_held == 1);
	http_reply(h.held[0], 200, NULL, "x", 1, NULL);
	test_server_end(&h.t); /* before the answer could be sent */
	test_hang_up(&c);
	http_server_stop(NULL, NULL, NULL);
}

static void test_name_is_free_as_soon_as_stop_is_called(void)
{
	static struct handler h;
	struct test_client c;
	struct err e = ERR_NONE;
	int fd;

	test_start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /x");
	http_server_stop(h.t.server, test_on_stopped, &h.t);
	fd = listen_unix(h.t.path, 0600, &e);
	assert(fd >= 0 && close(fd) == 0);
	TEST_UNTIL(&h.t, h.t.stopped);
	test_hang_up(&c);
	(void)unlink(h.t.path);
	test_loop_end(&h.t);
}

int main(void)
{
	test_request_arrives_whole_and_undecoded();
	test_headers_are_on_every_answer();
	test_small_segments_are_one_request();
	test_connection_is_kept_and_pipelined();
	test_pipelined_requests_wait_for_a_held_answer();
	test_half_closed_client_gets_its_answer_and_the_end();
	test_gone_client_is_told_and_its_answer_dropped();
	test_stop_ends_held_requests_that_are_answered_later();
	test_malformed_is_refused_and_the_server_lives();
	test_requests_whose_end_is_ambiguous_are_refused();
	test_added_socket_is_served_with_its_peer();
	test_stop_inside_a_request();
	test_name_is_free_as_soon_as_stop_is_called();
	return 0;
}
