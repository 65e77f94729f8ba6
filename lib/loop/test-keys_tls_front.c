/* SPDX-License-Identifier: Apache-2.0 */
/* tls_front: clients that behave, with certificates and without, and those that do not */
#include "test_tls_front.h"

#include "base/err.h"
#include "loop/tls_call.h"

static struct test_ids ids;

static struct tls_call_options call_of(const struct test_front *t, const char *path, char url[128])
{
	(void)str_format(url, 128, "%s%s", t->url, path);
	return (struct tls_call_options){ .method = "POST",
					  .url = url,
					  .ca = test_cert(&ids.root),
					  .timeout_ms = TEST_PATIENCE_MS };
}

static void expect(const struct test_front *t, const struct test_id *id, const char *ca,
		   const char *want)
{
	struct tls_call_answer a;
	struct err e = ERR_NONE;
	char url[128];
	struct tls_call_options o = call_of(t, "/x", url);
	int rc;

	o.ca = ca;
	if (id) {
		o.cert = test_chain(id);
		o.key = id->key_pem;
	}
	rc = tls_call(&o, &a, &e);
	if (rc < 0)
		printf("%s\n", e.text);
	assert(rc == 0 && a.status == 200 && strstr((const char *)a.body.p, want));
	tls_call_answer_deinit(&a);
}

static void refused(const struct test_front *t, const struct test_id *id, const char *ca)
{
	struct tls_call_answer a;
	char url[128];
	struct tls_call_options o = call_of(t, "/x", url);

	o.ca = ca;
	o.cert = test_chain(id);
	o.key = id->key_pem;
	assert(tls_call(&o, &a, NULL) < 0);
}

static void test_clients_are_told_apart(void)
{
	struct test_front t = { .is_raw = false };
	char want[64];

	test_front_start(&t, &ids);
	expect(&t, NULL, test_cert(&ids.root), "POST /x 0 0 localhost");
	(void)str_format(want, sizeof(want), "POST /x 0 ");
	expect(&t, &ids.client, test_cert(&ids.root), want);
	refused(&t, &ids.other_client, test_cert(&ids.root));
	refused(&t, &ids.expired, test_cert(&ids.root));
	refused(&t, &ids.client, test_cert(&ids.other_root));
	TEST_COUNTS(&t, t.counts.failed >= 2 && t.counts.done == 2 && t.counts.conns == 0);
	test_front_stop(&t);
}

static void test_much_goes_both_ways(void)
{
	struct test_front t = { .is_raw = false };
	static char body[3 << 20];
	struct tls_call_answer a;
	char url[128], want[64];
	struct tls_call_options o;

	test_front_start(&t, &ids);
	o = call_of(&t, "/large", url);
	assert(tls_call(&o, &a, NULL) == 0 && a.body.n == TEST_LARGE);
	tls_call_answer_deinit(&a);
	o = call_of(&t, "/up", url);
	o.body = body;
	o.n_body = sizeof(body);
	(void)str_format(want, sizeof(want), "POST /up %zu ", sizeof(body));
	assert(tls_call(&o, &a, NULL) == 0 && strstr((const char *)a.body.p, want));
	tls_call_answer_deinit(&a);
	test_front_stop(&t);
}

static void swap(struct test_front *t)
{
	t->rc = tls_front_swap(t->front, t->chain, t->key, t->ca, NULL);
}

static void test_the_certificate_changes_while_clients_stay(void)
{
	struct test_front t = { .is_raw = true };
	struct test_tls_client c;
	struct test_id next;
	char text[16] = "";

	test_id_init(&next, &(struct test_id_args){ .name = "next",
						    .issuer = &ids.other_root,
						    .for_server = true });
	test_front_start(&t, &ids);
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) == 0);
	t.chain = test_chain(&next);
	t.key = ids.server.key_pem;
	test_on_loop(&t, swap); /* not its key: all stays as it is */
	assert(t.rc < 0);
	t.key = next.key_pem;
	t.ca = test_cert(&ids.other_root);
	test_on_loop(&t, swap);
	assert(t.rc == 0);
	test_tls_write(&c, "ping", 4);
	assert(test_tls_read(&c, text, sizeof(text)) == 4);
	test_tls_close(&c);
	assert(test_tls_connect(&c, &t, &ids.other_client, test_cert(&ids.other_root)) == 0);
	test_tls_close(&c);
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) < 0);
	test_tls_close(&c);
	test_front_stop(&t);
	test_id_deinit(&next);
}

static void test_half_a_close_goes_through(void)
{
	struct test_front t = { .is_raw = true };
	struct test_tls_client c;
	char text[16] = "";
	size_t n = 0;
	ssize_t r;

	test_front_start(&t, &ids);
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) == 0);
	test_tls_write(&c, "hello", 5);
	assert(tls_end(c.tls, NULL) == 0 && shutdown(c.fd, SHUT_WR) == 0);
	while ((r = test_tls_read(&c, text + n, sizeof(text) - n)) > 0)
		n += (size_t)r;
	assert(r == 0 && n == 8 && memcmp(text, "hellobye", 8) == 0);
	assert(tls_is_ended(c.tls)); /* and was told, not cut off */
	test_tls_close(&c);
	/* without close_notify, as many clients end: the same */
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) == 0);
	assert(shutdown(c.fd, SHUT_WR) == 0);
	assert(test_tls_read(&c, text, 3) == 3 && memcmp(text, "bye", 3) == 0);
	test_tls_close(&c);
	TEST_COUNTS(&t, t.counts.conns == 0);
	test_front_stop(&t);
}

static void test_who_says_nothing_is_dropped(void)
{
	struct test_front t = { .o = { .handshake_ms = 50, .idle_ms = 200 } };
	struct test_tls_client c;
	int fd, slow;

	test_front_start(&t, &ids);
	fd = test_dial(&t);
	slow = test_dial(&t);
	assert(write(slow, "\x16\x03\x01\x02\x00\x01", 6) == 6); /* and no more */
	test_until_hung_up(fd);
	test_until_hung_up(slow);
	TEST_COUNTS(&t, t.counts.late == 2 && t.counts.handshaking == 0);
	(void)fd_close(fd);
	(void)fd_close(slow);
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) == 0);
	test_until_hung_up(c.fd); /* idle */
	test_tls_close(&c);
	TEST_COUNTS(&t, t.counts.conns == 0);
	test_front_stop(&t);
}

static void test_garbage_is_answered_with_an_end(void)
{
	static const char *const garbage[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\xff\xff\x01\x00", /* a record that is too long */
		"\x80\x2e\x01\x03\x01",		/* SSL 2 */
		"\x17\x03\x03\x00\x01x",	/* data before anything */
		"\x15\x03\x03\x00\x02\x02\x28", /* an alert */
		"\xff\xff\xff\xff\xff\xff\xff\xff",
	};
	struct test_front t = { .is_raw = false };
	size_t i;
	int fd;

	test_front_start(&t, &ids);
	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		fd = test_dial(&t);
		assert(send(fd, garbage[i], i == 1 ? 7 : strlen(garbage[i]), MSG_NOSIGNAL) > 0);
		assert(shutdown(fd, SHUT_WR) == 0); /* the rest never comes */
		test_until_hung_up(fd);
		(void)fd_close(fd);
	}
	TEST_COUNTS(&t, t.counts.failed == i && t.counts.conns == 0);
	expect(&t, NULL, test_cert(&ids.root), "POST /x");
	test_front_stop(&t);
}

static void test_limits_hold(void)
{
	struct test_front t = { .o = { .conns_max = 8, .ip_conns_max = 5 } };
	int fds[8], i;

	test_front_start(&t, &ids);
	for (i = 0; i < 8; i++)
		fds[i] = test_dial(&t);
	TEST_COUNTS(&t, t.counts.refused == 3 && t.counts.conns == 5);
	for (i = 0; i < 8; i++)
		fds[i] = fd_close(fds[i]);
	TEST_COUNTS(&t, t.counts.conns == 0);
	expect(&t, NULL, test_cert(&ids.root), "POST /x");
	test_front_stop(&t);
}

/* Whoever has asked for something stays; the others give way, the oldest first.  Not in main()'s frame, either. */
__attribute__((noinline)) static void test_who_says_nothing_keeps_nobody_out(void)
{
	static struct test_front t = { .is_raw = true,
				       .o = { .conns_max = 4, .handshake_ms = TEST_PATIENCE_MS } };
	static struct test_tls_client silent[4], c[4];
	int fds[4], i;
	char text[8];

	test_front_start(&t, &ids);
	for (i = 0; i < 4; i++)
		fds[i] = test_dial(&t);
	TEST_COUNTS(&t, t.counts.conns == 4 && t.counts.handshaking == 4);
	for (i = 0; i < 4; i++)
		assert(test_tls_connect(&silent[i], &t, NULL, test_cert(&ids.root)) == 0);
	for (i = 0; i < 4; i++) {
		test_until_hung_up(fds[i]);
		(void)fd_close(fds[i]);
	}
	TEST_COUNTS(&t, t.counts.conns == 4 && t.counts.handshaking == 0);
	for (i = 0; i < 4; i++) {
		assert(test_tls_connect(&c[i], &t, NULL, test_cert(&ids.root)) == 0);
		test_tls_write(&c[i], "ping", 4);
		assert(test_tls_read(&c[i], text, sizeof(text)) == 4);
		test_until_hung_up(silent[i].fd);
		test_tls_close(&silent[i]);
	}
	/* one who was answered long ago does, too */
	while (test_tls_connect(&silent[0], &t, NULL, test_cert(&ids.root)) != 0)
		test_tls_close(&silent[0]);
	test_until_hung_up(c[0].fd);
	test_tls_close(&silent[0]);
	for (i = 0; i < 4; i++)
		test_tls_close(&c[i]);
	TEST_COUNTS(&t, t.counts.conns == 0);
	test_front_stop(&t);
}

/* Whose answer is still awaited is never sent away.  Not in main()'s frame, which has enough in it. */
__attribute__((noinline)) static void test_who_waits_for_an_answer_stays(void)
{
	static const char get[] = "GET /never HTTP/1.1\r\nHost: x\r\n\r\n";
	struct test_front t = { .o = { .conns_max = 1 } };
	struct test_tls_client c;
	int last;

	test_front_start(&t, &ids);
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) == 0);
	test_tls_write(&c, get, sizeof(get) - 1);
	TEST_COUNTS(&t, t.held);
	last = test_dial(&t);
	test_until_hung_up(last);
	(void)fd_close(last);
	TEST_COUNTS(&t, t.counts.refused == 1 && t.counts.conns == 1);
	test_front_stop(&t);
	test_tls_close(&c);
}

enum { MANY = 200, MANY_AT_ONCE = 10 };

static void *call_many(void *arg)
{
	const struct test_front *t = arg;
	int i;

	for (i = 0; i < MANY / MANY_AT_ONCE; i++)
		expect(t, i & 1 ? &ids.client : NULL, test_cert(&ids.root), "POST /x 0 ");
	return NULL;
}

static void test_many_at_once(void)
{
	struct test_front t = { .is_raw = false };
	struct test_tls_client idle[32];
	pthread_t threads[MANY_AT_ONCE];
	size_t i;

	test_front_start(&t, &ids);
	for (i = 0; i < 32; i++)
		assert(test_tls_connect(&idle[i], &t, NULL, test_cert(&ids.root)) == 0);
	for (i = 0; i < MANY_AT_ONCE; i++)
		assert(pthread_create(&threads[i], NULL, call_many, &t) == 0);
	for (i = 0; i < MANY_AT_ONCE; i++)
		assert(pthread_join(threads[i], NULL) == 0);
	TEST_COUNTS(&t, t.counts.conns == 32 && t.counts.done == MANY + 32);
	test_front_stop(&t); /* with clients that are still there */
	for (i = 0; i < 32; i++) {
		test_until_hung_up(idle[i].fd);
		test_tls_close(&idle[i]);
	}
}

/* A client that asks for much, and resets the connection. */
static void leave(struct test_front *t, bool reads_some, bool until_dropped)
{
	static const char get[] = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
	static const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct test_tls_client c;
	char some[100];

	assert(test_tls_connect(&c, t, NULL, test_cert(&ids.root)) == 0);
	test_tls_write(&c, get, sizeof(get) - 1);
	assert(!reads_some || test_tls_read(&c, some, sizeof(some)) > 0);
	if (until_dropped)
		TEST_COUNTS(t, t->counts.conns == 0);
	assert(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
	test_tls_close(&c);
	TEST_COUNTS(t, t->counts.conns == 0);
}

static void test_clients_that_leave(void)
{
	struct test_front t = { .o = { .idle_ms = 300 } };

	test_front_start(&t, &ids);
	leave(&t, false, false);
	leave(&t, true, false);
	leave(&t, true, true); /* it does not read on */
	test_front_stop(&t);
}

static void test_it_stops_with_requests_that_wait(void)
{
	static const char get[] = "GET /never HTTP/1.1\r\nHost: x\r\n\r\n";
	struct test_front t = { .is_raw = false };
	struct test_tls_client c;
	int fd;

	test_front_start(&t, &ids);
	assert(test_tls_connect(&c, &t, NULL, test_cert(&ids.root)) == 0);
	test_tls_write(&c, get, sizeof(get) - 1);
	fd = test_dial(&t); /* and one in its handshake */
	TEST_COUNTS(&t, t.held && t.counts.conns == 2);
	test_front_stop(&t);
	test_until_hung_up(c.fd);
	test_until_hung_up(fd);
	(void)fd_close(fd);
	test_tls_close(&c);
}

static void stop_in_callback(int fd, const struct tls_peer *p, void *arg)
{
	struct test_front *t = arg;

	(void)p;
	(void)fd_close(fd);
	tls_front_stop(t->front, NULL, NULL);
}

static void end_without_front(struct test_front *t)
{
	http_server_stop(t->http, NULL, NULL);
	uv_close((uv_handle_t *)&t->poke, NULL);
}

static void test_it_can_be_stopped_by_its_own_client(void)
{
	struct test_front t = { .o = { .on_client = stop_in_callback } };
	struct test_tls_client c;

	test_front_start(&t, &ids);
	(void)test_tls_connect(&c, &t, NULL, test_cert(&ids.root));
	test_until_hung_up(c.fd);
	test_on_loop(&t, end_without_front);
	assert(pthread_join(t.thread, NULL) == 0 && uv_loop_close(&t.loop) == 0);
	uv_sem_destroy(&t.done);
	test_tls_close(&c);
}

int main(void)
{
	test_ids_init(&ids);
	test_clients_are_told_apart();
	test_much_goes_both_ways();
	test_the_certificate_changes_while_clients_stay();
	test_half_a_close_goes_through();
	test_who_says_nothing_is_dropped();
	test_garbage_is_answered_with_an_end();
	test_limits_hold();
	test_who_says_nothing_keeps_nobody_out();
	test_who_waits_for_an_answer_stays();
	test_many_at_once();
	test_clients_that_leave();
	test_it_stops_with_requests_that_wait();
	test_it_can_be_stopped_by_its_own_client();
	test_ids_deinit(&ids);
	return 0;
}
