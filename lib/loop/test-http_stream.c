/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in pieces: back pressure, and clients that leave. */
#include "test_handler.h"

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

	test_start(&h, (struct http_server_options){ 0 });
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

	test_start(&h, (struct http_server_options){ 0 });
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

	test_start(&h, (struct http_server_options){ 0 });
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

int main(void)
{
	test_stream_says_when_it_may_go_on();
	test_stream_hears_of_a_client_that_left();
	test_stop_closes_streams();
	return 0;
}
