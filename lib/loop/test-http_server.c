/* SPDX-License-Identifier: Apache-2.0 */
/* What the server promises to clients that behave and to those that do not, on a real unix socket. */
#include <netinet/in.h>

#include "test_http.h"

struct handler {
	struct test_http t;
	struct http_request *held[64];
	unsigned int n_held, n_calls, n_gone, n_closed;
	bool hold;
	int status;
	char last[512];
	size_t n_body;
	bool too_large;
	uint32_t uid;
	char peer[8];
	struct http_stream *stream;
	unsigned int n_drained;
};

static void on_gone(void *arg)
{
	((struct handler *)arg)->n_gone++;
}

static void on_request(struct http_request *r, void *arg)
{
	struct handler *h = arg;
	const char *peer = http_request_peer(r);
	const char *type = http_request_header(r, "content-type");

	h->n_calls++;
	(void)http_request_body(r, &h->n_body);
	h->too_large = http_request_too_large(r);
	h->uid = http_request_uid(r);
	(void)snprintf(h->peer, sizeof(h->peer), "%s", peer ? peer : "-");
	(void)snprintf(h->last, sizeof(h->last), "%s %s ?%s %s %.*s", http_request_method(r),
		       http_request_path(r), http_request_query(r), type ? type : "-",
		       (int)(h->n_body < 100 ? h->n_body : 100),
		       (const char *)http_request_body(r, &h->n_body));
	if (h->hold) {
		assert(h->n_held < sizeof(h->held) / sizeof(h->held[0]));
		http_request_on_gone(r, on_gone, h);
		h->held[h->n_held++] = r;
		return;
	}
	http_reply(r, h->status ? h->status : 200, "text/plain", h->last, strlen(h->last), NULL);
}

static void start(struct handler *h, struct http_server_options o)
{
	memset(h, 0, sizeof(*h));
	o.on_request = on_request;
	o.arg = h;
	test_server_start(&h->t, &o);
}

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: x\r\n"

static void test_request_arrives_whole_and_undecoded(void)
{
	static struct handler h;
	struct test_client c;

	start(&h, (struct http_server_options){ 0 });
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

static void test_small_segments_are_one_request(void)
{
	static const char text[] = POST("/x") "Content-Length: 10\r\n\r\n0123456789";
	static struct handler h;
	struct test_client c;
	size_t i;

	start(&h, (struct http_server_options){ 0 });
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

	start(&h, (struct http_server_options){ 0 });
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

	start(&h, (struct http_server_options){ 0 });
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

	start(&h, (struct http_server_options){ 0 });
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

	start(&h, (struct http_server_options){ 0 });
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

	start(&h, (struct http_server_options){ 0 });
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

static void test_large_body_is_refused_with_words_and_not_held(void)
{
	static char body[150 * 1024];
	char head[128];
	static struct handler h;
	struct test_client c;

	memset(body, 'x', sizeof(body));
	start(&h, (struct http_server_options){ .body_max = 80 * 1024 });
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

	start(&h, (struct http_server_options){ .body_max = 64 * 1024 });
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
	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk, "1000\r\n", 6);
	memcpy(chunk + 6 + 4096, "\r\n", 2);
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
	start(&h, (struct http_server_options){ .body_max = 80 * 1024,
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

	start(&h, (struct http_server_options){ 0 });
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

static void test_huge_headers_are_refused(void)
{
	static struct handler h;
	struct test_client c;
	char line[1024];
	ssize_t n = 0;
	int i;

	start(&h, (struct http_server_options){ 0 });
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, "GET / HTTP/1.1\r\nHost: x\r\n");
	memset(line, 'y', sizeof(line));
	memcpy(line, "X-Long: ", 8);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (i = 0; i < 1000 && n >= 0; i++) {
		test_turn(&h.t);
		n = send(c.fd, line, sizeof(line), MSG_NOSIGNAL);
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

	start(&h, (struct http_server_options){ .idle_s = 1 });
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

	start(&h, (struct http_server_options){ .idle_s = 2 });
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

	start(&h, (struct http_server_options){ .conns_max = 2 });
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

static void test_requests_beyond_the_rate_wait(void)
{
	static struct handler h;
	struct test_client c;
	uint64_t begun = time_mono_ms();
	int i;

	start(&h, (struct http_server_options){ .rate_per_s = 20, .burst = 10 });
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

	start(&h, (struct http_server_options){ .ip_rate_per_s = 1, .ip_burst = 3 });
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

static void on_drained(void *arg)
{
	((struct handler *)arg)->n_drained++;
}

static void on_stream_closed(void *arg)
{
	((struct handler *)arg)->n_closed++;
}

static void begin_stream(struct handler *h, struct test_client *c)
{
	unsigned int before = h->n_held;

	*c = test_connect(&h->t);
	TEST_SAY(&h->t, c, GET("/stream"));
	TEST_UNTIL(&h->t, h->n_held == before + 1);
	h->stream = http_reply_stream(h->held[before], 200, "text/plain", on_drained,
				      on_stream_closed, h);
}

static void test_stream_says_when_it_may_go_on(void)
{
	static char block[512 * 1024];
	static struct handler h;
	struct test_client c;
	int i;

	start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	begin_stream(&h, &c);
	(void)http_stream_write(h.stream, "one\n", 4);
	TEST_UNTIL_HAS(&h.t, &c, "one\n");
	TEST_UNTIL(&h.t, h.n_drained == 1);
	(void)http_stream_write(h.stream, "two\n", 4);
	TEST_UNTIL_HAS(&h.t, &c, "two\n");

	/* a client that does not read: bytes stay, and are counted */
	memset(block, 'b', sizeof(block));
	TEST_UNTIL(&h.t, h.n_drained == 2);
	(void)http_stream_write(h.stream, block, sizeof(block));
	for (i = 0; i < 50; i++)
		test_turn(&h.t);
	assert(h.n_drained == 2);
	assert(http_stream_write(h.stream, "end\n", 4) > 100 * 1024);
	http_stream_end(h.stream);
	TEST_UNTIL(&h.t, test_read(&c) && h.n_closed == 1);
	TEST_UNTIL_HAS(&h.t, &c, "end\n");
	assert(strstr(test_text(&c), "Transfer-Encoding: chunked"));
	assert(c.in.n > sizeof(block));

	/* and the connection is good for more */
	h.hold = false;
	TEST_SAY(&h.t, &c, GET("/after"));
	TEST_UNTIL_HAS(&h.t, &c, "GET /after");
	test_hang_up(&c);
	test_server_end(&h.t);
}

static void test_stream_hears_of_a_client_that_left(void)
{
	static struct handler h;
	struct test_client c;

	start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	begin_stream(&h, &c);
	(void)http_stream_write(h.stream, "one\n", 4);
	TEST_UNTIL_HAS(&h.t, &c, "one\n");
	test_hang_up(&c);
	TEST_UNTIL(&h.t, h.n_closed == 1);

	/* gone before the stream began: heard too, later */
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/x"));
	TEST_UNTIL(&h.t, h.n_held == 2);
	test_hang_up(&c);
	TEST_UNTIL(&h.t, h.n_gone == 1);
	h.stream = http_reply_stream(h.held[1], 200, NULL, NULL, on_stream_closed, &h);
	assert(h.n_closed == 1);
	(void)http_stream_write(h.stream, "x", 1);
	TEST_UNTIL(&h.t, h.n_closed == 2);
	test_server_end(&h.t);
}

static void test_stop_closes_streams(void)
{
	static struct handler h;
	struct test_client a, b;

	start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	begin_stream(&h, &a);
	(void)http_stream_write(h.stream, "one\n", 4);
	TEST_UNTIL_HAS(&h.t, &a, "one\n");
	begin_stream(&h, &b);
	/* a request whose stream begins after the server is gone */
	TEST_SAY(&h.t, &b, "");
	test_hang_up(&b);
	b = test_connect(&h.t);
	TEST_SAY(&h.t, &b, GET("/x"));
	TEST_UNTIL(&h.t, h.n_held == 3 && h.n_closed >= 1);
	http_server_stop(h.t.server, test_on_stopped, &h.t);
	TEST_UNTIL(&h.t, h.t.stopped);
	assert(h.n_closed == 2 && h.n_gone == 1);
	(void)http_reply_stream(h.held[2], 200, NULL, NULL, on_stream_closed, &h);
	TEST_UNTIL(&h.t, h.n_closed == 3);
	test_hang_up(&a);
	test_hang_up(&b);
	(void)unlink(h.t.path);
	test_loop_end(&h.t);
}

static void test_added_socket_is_served_with_its_peer(void)
{
	static struct handler h;
	struct test_client c = { .in = BUF_MAX(1 << 20) };
	struct err e = ERR_NONE;
	int sv[2];

	start(&h, (struct http_server_options){ .conns_max = 1 });
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

	start(&h, (struct http_server_options){ 0 });
	h.hold = true;
	c = test_connect(&h.t);
	TEST_SAY(&h.t, &c, GET("/1"));
	TEST_UNTIL(&h.t, h.n_held == 1);
	http_reply(h.held[0], 200, NULL, "x", 1, NULL);
	test_server_end(&h.t); /* before the answer could be sent */
	test_hang_up(&c);
	http_server_stop(NULL, NULL, NULL);
}

int main(void)
{
	test_request_arrives_whole_and_undecoded();
	test_small_segments_are_one_request();
	test_connection_is_kept_and_pipelined();
	test_pipelined_requests_wait_for_a_held_answer();
	test_half_closed_client_gets_its_answer_and_the_end();
	test_gone_client_is_told_and_its_answer_dropped();
	test_stop_ends_held_requests_that_are_answered_later();
	test_large_body_is_refused_with_words_and_not_held();
	test_chunked_body_counts_too();
	test_limits_for_a_path_and_for_all_bodies();
	test_malformed_is_refused_and_the_server_lives();
	test_huge_headers_are_refused();
	test_slow_client_is_closed_in_spite_of_bytes();
	test_idle_time_restarts_with_each_whole_request();
	test_connections_beyond_the_limit_wait_in_the_backlog();
	test_requests_beyond_the_rate_wait();
	test_too_many_from_one_address_is_429();
	test_stream_says_when_it_may_go_on();
	test_stream_hears_of_a_client_that_left();
	test_stop_closes_streams();
	test_added_socket_is_served_with_its_peer();
	test_stop_inside_a_request();
	return 0;
}
