/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may take of the server: bytes, time, connections, requests. */
#include <netinet/in.h>

#include "test_handler.h"

static void test_large_body_is_refused_with_words_and_not_held(void)
{
	static char body[150 * 1024];
	char head[128];
	static struct handler h;
	struct test_client c;

	memset(body, 'x', sizeof(body));
	test_start(&h, (struct http_server_options){ .body_max = 80 * 1024 });
	h.status = 400;

	/* said in advance, and within what is thrown away: the connection goes on */
	c = test_connect(&h.t);
	(void)snprintf(head, sizeof(head), POST("/big") "Content-Length: %zu\r\n\r\n",
		       sizeof(body));
	TEST_SAY(&h.t, &c, head);
	test_send(&h.t, &c, body, sizeof(body));
	TEST_SAY(&h.t, &c, GET("/next"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /next");
	assert(h.n_calls == 2 && test_count(&c, "HTTP/1.1 400") == 2);
	test_hang_up(&c);

	/* said in advance and absurd: answered at once, then closed */
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, POST("/absurd") "Content-Length: 99999999999\r\n\r\n");
	TEST_UNTIL_ENDED(&h.t, &c);
	assert(h.too_large && h.n_body == 0 && strstr(test_text(&c), "POST /absurd"));
	test_hang_up(&c);

	/* with Expect: no need to read any of it */
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c,
		 POST("/expect") "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
	TEST_UNTIL_ENDED(&h.t, &c);
	assert(h.too_large && !strstr(test_text(&c), "100 Continue"));
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_chunked_body_counts_too(void)
{
	static struct handler h;
	struct test_client c;
	static char chunk[4096 + 16];
	ssize_t n = 0;
	int i;

	test_start(&h, (struct http_server_options){ .body_max = 64 * 1024 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c,
		 POST("/c") "Transfer-Encoding: "
			    "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
	TEST_UNTIL_HAS(&h.t, &c, "abcde");
	assert(h.n_body == 5);
	test_hang_up(&c);

	/* without end: hung up on after twice the limit, never handed over */
	c = test_connect(&h.t);
	h.n_calls = 0;
	TEST_SAY(&h.t, &c, POST("/endless") "Transfer-Encoding: chunked\r\n\r\n");
	(void)snprintf(chunk, sizeof(chunk), "1000\r\n%4096d\r\n", 1);
	for (i = 0; i < 1000 && n >= 0; i++) {
		do {
			test_turn(&h.t);
			n = send(c.fd, chunk, 6 + 4096 + 2, MSG_NOSIGNAL);
		} while (n < 0 && errno == EAGAIN);
	}
	assert(n < 0 && errno == EPIPE && i < 400);
	assert(h.n_calls == 0);
	test_hang_up(&c);
	test_server_end(&h.t);
}

static size_t small_for_small(const struct http_request *r, void *arg)
{
	(void)arg;
	return strcmp(http_request_path(r), "/small") == 0 ? 10 : SIZE_MAX;
}

static void test_limits_for_a_path_and_for_all_bodies(void)
{
	static struct handler h;
	struct test_client a, b;
	static char body[60 * 1024];

	memset(body, 'x', sizeof(body));
	test_start(&h, (struct http_server_options){ .body_max = 80 * 1024,
						     .bodies_max = 100 * 1024,
						     .body_max_of = small_for_small });
	a = test_connect(&h.t);
	TEST_SAY(&h.t, &a, POST("/small") "Content-Length: 11\r\n\r\n12345678901");
	TEST_UNTIL_HAS(&h.t, &a, "POST /small");
	assert(h.too_large);

	/* a holds 60 KiB, so b's 60 KiB are too many; when a is answered, they are not */
	h.hold = true;
	TEST_SAY(&h.t, &a, POST("/a") "Content-Length: 61440\r\n\r\n");
	test_send(&h.t, &a, body, sizeof(body));
	TEST_UNTIL(&h.t, h.n_held == 1);
	assert(!h.too_large && h.n_body == sizeof(body));
	h.hold = false;
	b = test_connect(&h.t);
	TEST_SAY(&h.t, &b, POST("/b") "Content-Length: 61440\r\n\r\n");
	test_send(&h.t, &b, body, sizeof(body));
	TEST_UNTIL_HAS(&h.t, &b, "POST /b");
	assert(h.too_large);
	http_reply(h.held[0], 200, NULL, "", 0, NULL);
	TEST_SAY(&h.t, &b, POST("/c") "Content-Length: 61440\r\n\r\n");
	test_send(&h.t, &b, body, sizeof(body));
	TEST_UNTIL_HAS(&h.t, &b, "POST /c");
	assert(!h.too_large && h.n_body == sizeof(body));
	test_hang_up(&a);
	test_hang_up(&b);
	test_server_end(&h.t);
}

static void test_huge_headers_are_refused(void)
{
	static struct handler h;
	struct test_client c;
	enum { LINE = 1024 };
	char line[LINE];
	ssize_t n = 0;
	int i;

	test_start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, "GET / HTTP/1.1\r\nHost: x\r\n");
	(void)snprintf(line, sizeof(line), "X-Long: %*d\r\n", LINE - 11, 1);
	for (i = 0; i < 1000 && n >= 0; i++) {
		test_turn(&h.t);
		n = send(c.fd, line, LINE - 1, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			n = 0;
	}
	assert(n < 0);
	TEST_UNTIL_ENDED(&h.t, &c);
	assert(strstr(test_text(&c), " 431 ") && h.n_calls == 0);
	test_hang_up(&c);
	test_server_end(&h.t);
}

/* Bytes are no progress: a client that trickles its head is closed as one that is silent. */
static void test_slow_client_is_closed_in_spite_of_bytes(void)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nX-A: "
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static struct handler h;
	struct test_client slow, silent;
	uint64_t begun, last = 0;
	size_t i = 0;

	test_start(&h, (struct http_server_options){ .idle_s = 1 });
	slow = test_connect(&h.t);
	silent = test_connect(&h.t);
	begun = time_mono_ms();
	while (test_read(&slow) && !slow.ended) {
		assert(time_mono_ms() - begun < TEST_PATIENCE_MS);
		if (time_mono_ms() - last > 50 && i < sizeof(text) - 1) {
			last = time_mono_ms();
			(void)!send(slow.fd, &text[i++], 1, MSG_NOSIGNAL);
		}
		test_turn(&h.t);
	}
	assert(i < sizeof(text) - 1); /* closed while still trickling: that takes 4 s */
	assert(time_mono_ms() - begun >= 900);
	TEST_UNTIL_ENDED(&h.t, &silent);
	assert(h.n_calls == 0);
	test_hang_up(&slow);
	test_hang_up(&silent);
	test_server_end(&h.t);
}

static void test_idle_time_restarts_with_each_whole_request(void)
{
	static struct handler h;
	struct test_client c;
	uint64_t begun = time_mono_ms();
	unsigned int n = 0;

	test_start(&h, (struct http_server_options){ .idle_s = 2 });
	c = test_connect(&h.t);
	while (time_mono_ms() - begun < 4500) {
		if (test_count(&c, "HTTP/1.1 200") == n && time_mono_ms() - begun >= n * 300) {
			TEST_SAY(&h.t, &c, GET("/again"));
			n++;
		}
		test_turn(&h.t);
		assert(test_read(&c) && !c.ended);
	}
	TEST_UNTIL_ENDED(&h.t, &c); /* now it says nothing */
	test_hang_up(&c);

	/* nor does a handler's own time count */
	h.hold = true;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/held"));
	begun = time_mono_ms();
	while (time_mono_ms() - begun < 3000)
		test_turn(&h.t);
	assert(test_read(&c) && !c.ended && h.n_held == 1);
	http_reply(h.held[0], 200, NULL, "done", 4, NULL);
	TEST_UNTIL_HAS(&h.t, &c, "done");
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_connections_beyond_the_limit_wait_in_the_backlog(void)
{
	static struct handler h;
	struct test_client c[5];
	int i;

	test_start(&h, (struct http_server_options){ .conns_max = 2 });
	for (i = 0; i < 5; i++) {
		c[i] = test_connect(&h.t);
		TEST_SAY(&h.t, &c[i], GET("/x"));
	}
	TEST_UNTIL(&h.t, h.n_calls == 2);
	for (i = 0; i < 20; i++)
		test_turn(&h.t);
	assert(h.n_calls == 2 && http_server_n_conns(h.t.server) == 2);
	for (i = 0; i < 5; i++) {
		TEST_UNTIL_HAS(&h.t, &c[i], "GET /x");
		test_hang_up(&c[i]);
	}
	assert(h.n_calls == 5);
	test_server_end(&h.t);
}

static bool is_nobody_known(uint32_t uid, void *arg)
{
	(void)uid;
	(void)arg;
	return false;
}

static unsigned int two_of_us(uint32_t uid, void *arg)
{
	(void)arg;
	return uid == geteuid() ? 2 : 0;
}

/* Two are served; the third is hung up on at once, and takes nobody's place. */
static void expect_two(struct http_server_options o)
{
	static struct handler h;
	struct test_client c[3];
	int i;

	test_start(&h, o);
	for (i = 0; i < 2; i++) {
		c[i] = test_connect(&h.t);
		TEST_SAY(&h.t, &c[i], GET("/x"));
		TEST_UNTIL_HAS(&h.t, &c[i], "GET /x");
	}
	c[2] = test_connect(&h.t);
	TEST_UNTIL_ENDED(&h.t, &c[2]);
	assert(http_server_n_conns(h.t.server) == 2 && http_server_n_refused(h.t.server) == 1);
	test_hang_up(&c[0]);
	TEST_UNTIL(&h.t, http_server_n_conns(h.t.server) == 1);
	test_hang_up(&c[2]);
	c[2] = test_connect(&h.t);
	TEST_SAY(&h.t, &c[2], GET("/y"));
	TEST_UNTIL_HAS(&h.t, &c[2], "GET /y");
	test_hang_up(&c[1]);
	test_hang_up(&c[2]);
	test_server_end(&h.t);
}

static void test_connections_of_a_user_and_of_strangers(void)
{
	expect_two((struct http_server_options){ .conns_max_of = two_of_us });
	expect_two((struct http_server_options){ .is_known = is_nobody_known, .strangers_max = 2 });
}

static void test_requests_beyond_the_rate_wait(void)
{
	static struct handler h;
	struct test_client c;
	uint64_t begun = time_mono_ms();
	int i;

	test_start(&h, (struct http_server_options){ .rate_per_s = 20, .burst = 10 });
	c = test_connect(&h.t);
	for (i = 0; i < 30; i++)
		TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL(&h.t, test_read(&c) && test_count(&c, "HTTP/1.1 200") == 30);
	assert(time_mono_ms() - begun >= 900); /* 10 at once, 20 more at 20 a second */
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_too_many_from_one_address_is_429(void)
{
	struct sockaddr_in in = { 0 };
	socklen_t n = sizeof(in);
	static struct handler h;
	struct test_client c = { .in = BUF_MAX(1 << 20) };
	struct test_client local;
	struct err e = ERR_NONE;
	int fd, i;

	test_start(&h, (struct http_server_options){ .ip_rate_per_s = 1, .ip_burst = 3 });
	fd = listen_tcp("127.0.0.1:0", &e);
	assert(fd >= 0 && getsockname(fd, (struct sockaddr *)&in, &n) == 0);
	assert(http_server_listen(h.t.server, fd, NULL, 0, &e) == 0);
	c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(c.fd >= 0 && connect(c.fd, (struct sockaddr *)&in, sizeof(in)) == 0);
	assert(fd_set_nonblocking(c.fd, true) == 0);
	for (i = 0; i < 5; i++)
		TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL_ENDED(&h.t, &c);
	assert(test_count(&c, "HTTP/1.1 200") == 3 && test_count(&c, "HTTP/1.1 429") == 1);
	assert(strstr(test_text(&c), "Retry-After: 1"));
	assert(http_server_n_refused(h.t.server) == 1);
	/* a unix socket has no address to limit */
	local = test_connect(&h.t);
	for (i = 0; i < 5; i++)
		TEST_SAY(&h.t, &local, GET("/x"));
	TEST_UNTIL(&h.t, test_read(&local) && test_count(&local, "HTTP/1.1 200") == 5);
	test_hang_up(&c);
	test_hang_up(&local);
	test_server_end(&h.t);
}

int main(void)
{
	test_large_body_is_refused_with_words_and_not_held();
	test_chunked_body_counts_too();
	test_limits_for_a_path_and_for_all_bodies();
	test_huge_headers_are_refused();
	test_slow_client_is_closed_in_spite_of_bytes();
	test_idle_time_restarts_with_each_whole_request();
	test_connections_beyond_the_limit_wait_in_the_backlog();
	test_connections_of_a_user_and_of_strangers();
	test_requests_beyond_the_rate_wait();
	test_too_many_from_one_address_is_429();
	return 0;
}
