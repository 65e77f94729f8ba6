/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "gateway/access_log.h"
#include "gateway/chunk.h"
#include "gateway/config.h"
#include "gateway/config_check.h"
#include "gateway/pages.h"
#include "gateway/pipes.h"
#include "gateway/tls_gate.h"
#include "gateway/tls_tickets.h"
#include "gateway/wheel.h"

struct seen {
	struct wheel_node *nodes[8];
	size_t n;
};

static void on_due(struct wheel_node *n, void *arg)
{
	struct seen *s = arg;

	assert(s->n < 8 && !n->next);
	s->nodes[s->n++] = n;
}

static void test_wheel_is_never_early_and_at_most_a_tick_late(void)
{
	static struct wheel w;
	struct wheel_node n = { .next = NULL };
	uint64_t due, now;

	for (due = 1; due < 3000; due += 37) {
		struct seen s = { .n = 0 };

		wheel_init(&w, 0);
		wheel_set(&w, &n, due);
		for (now = 0; s.n == 0; now += 10)
			wheel_turn(&w, now, on_due, &s);
		now -= 10;
		assert(now >= due && now <= due + WHEEL_TICK_MS + 10 && w.n == 0);
	}
}

static void test_wheel_moves_nearer_only(void)
{
	static struct wheel w;
	struct wheel_node a = { .next = NULL }, b = { .next = NULL };
	struct seen s = { .n = 0 };

	wheel_init(&w, 1000);
	wheel_set(&w, &a, 2000);
	wheel_set(&w, &a, 9000);
	wheel_set(&w, &b, 9000);
	wheel_set(&w, &b, 2000);
	assert(w.n == 2);
	wheel_turn(&w, 1999, on_due, &s);
	assert(s.n == 0);
	wheel_turn(&w, 2300, on_due, &s);
	assert(s.n == 2 && w.n == 0);
	wheel_set(&w, &a, 1);
	wheel_remove(&w, &a);
	wheel_remove(&w, &a);
	assert(w.n == 0);
}

static void test_wheel_after_a_long_sleep_and_beyond_its_reach(void)
{
	static struct wheel w;
	struct wheel_node far = { .next = NULL }, late = { .next = NULL };
	struct seen s = { .n = 0 };
	uint64_t now = 10 * 1000 * 1000;

	wheel_init(&w, 0);
	wheel_set(&w, &far,
		  1000 * 1000 * 1000); /* looked at when the wheel is around, for another place */
	wheel_turn(&w, (WHEEL_SLOTS + 1) * WHEEL_TICK_MS, on_due, &s);
	assert(s.n == 1 && s.nodes[0] == &far);
	wheel_set(&w, &late, now); /* the wheel has not turned since */
	s.n = 0;
	wheel_turn(&w, now + 2 * WHEEL_TICK_MS, on_due, &s);
	assert(s.n == 1);
	wheel_set(&w, &late, 0);
	s.n = 0;
	wheel_drain(&w, on_due, &s);
	assert(s.n == 1 && w.n == 0);
}

static void test_chunks_grow_to_their_end_and_keep_order(void)
{
	struct chunk_pool p = { .n = { 0 } };
	struct chunk *c = NULL;
	static uint8_t bytes[4000];
	const size_t step = 1000;
	size_t i, total = 0;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % 251);
	while (chunk_add(&p, &c, bytes, step) == 0)
		total += step;
	assert(total == CHUNK_LARGE / 1000 * 1000 && chunk_left(c) == total);
	for (i = 0; i < total; i++)
		assert(c->bytes[c->at + i] == i % 1000 % 251);
	assert(chunk_add(&p, &c, bytes, CHUNK_LARGE) == -ENOBUFS && chunk_left(c) == total);
	c->at += 5000; /* what was sent makes room */
	assert(chunk_add(&p, &c, bytes, sizeof(bytes)) == 0 && chunk_left(c) == total - 1000);
	assert(c->bytes[c->at] == 0);
	chunk_give(&p, c);
	c = NULL;
	assert(!chunk_take(&p, CHUNK_LARGE + 1));
	for (i = 0; i < CHUNK_KEPT + 2; i++) {
		struct chunk *one = chunk_take(&p, 1);

		one->next = c;
		c = one;
	}
	while (c) {
		struct chunk *next = c->next;

		chunk_give(&p, c);
		c = next;
	}
	assert(p.n[0] == CHUNK_KEPT);
	chunk_pool_deinit(&p);
}

static void test_pipes_that_hold_bytes_are_not_lent_again(void)
{
	struct pipe_pool p = { .n = 0 };
	struct pipe_pair *a = pipe_take(&p), *b;

	assert(a && a->size >= 4096);
	pipe_give(&p, a);
	assert(p.n == 1);
	b = pipe_take(&p);
	assert(b == a && p.n == 0);
	b->n = 1;
	pipe_give(&p, b);
	assert(p.n == 0);
	pipe_give(&p, NULL);
	pipe_pool_deinit(&p);
}

static const struct pages_texts texts = { .acme_info = { "{}", 2 }, .dev_ca = { "PEM\n", 4 } };

static enum pages_verdict page(enum conn_page kind, const char *request, struct buf *ret)
{
	buf_deinit(ret);
	*ret = BUF_MAX(PAGES_ANSWER_MAX);
	return pages_answer(kind, request, strlen(request), &texts, ret);
}

static bool begins(const struct buf *b, const char *text)
{
	return b->n >= strlen(text) && memcmp(b->p, text, strlen(text)) == 0;
}

static void test_pages(void)
{
	auto_buf struct buf b = BUF_MAX(1);

	assert(page(PAGE_502, "G", &b) == PAGES_MORE && page(PAGE_502, "", &b) == PAGES_MORE);
	assert(page(PAGE_502, "GEX", &b) == PAGES_NOT_HTTP &&
	       page(PAGE_502, "PRI * HTTP/2.0", &b) == PAGES_NOT_HTTP);
	assert(page(PAGE_502, "GET ", &b) == PAGES_ANSWERED &&
	       begins(&b, "HTTP/1.1 502 Bad Gateway\r\n"));
	assert(page(PAGE_503, "POST /", &b) == PAGES_ANSWERED &&
	       strstr((char *)b.p, "\r\nRetry-After: 5\r\n"));
	assert(pages_answer(PAGE_502, "GET ", 4, &texts, &b) ==
	       PAGES_ANSWERED); /* and no byte more */
	assert(page(PAGE_504, "HEAD /", &b) == PAGES_ANSWERED &&
	       strcmp((char *)b.p + b.n - 4, "\r\n\r\n") == 0);
	assert(page(PAGE_HEALTH, "GET / HTTP/1.1\r\n\r", &b) == PAGES_MORE);
	assert(page(PAGE_HEALTH, "GET / HTTP/1.1\r\n\r\n", &b) == PAGES_ANSWERED &&
	       begins(&b, "HTTP/1.1 200"));
	assert(page(PAGE_HEALTH, "GET /\r\n\r\n", &b) == PAGES_ANSWERED &&
	       begins(&b, "HTTP/1.1 400"));
	assert(page(PAGE_GATEWAY, "GET /.dstack/acme-info HTTP/1.0\r\n\r\n", &b) == PAGES_ANSWERED);
	assert(strcmp((char *)b.p + b.n - 2, "{}") == 0);
	assert(page(PAGE_GATEWAY, "PUT /health HTTP/1.1\r\n\r\n", &b) == PAGES_ANSWERED &&
	       begins(&b, "HTTP/1.1 405"));
}

static void test_pages_of_texts(void)
{
	auto_buf struct buf b = BUF_MAX(1);

	assert(page(PAGE_GATEWAY, "GET /.dstack/dev-ca?x HTTP/1.1\r\n\r\n", &b) == PAGES_ANSWERED);
	assert(strstr((char *)b.p, "Content-Length: 4\r\n") &&
	       strcmp((char *)b.p + b.n - 4, "PEM\n") == 0);
	assert(page(PAGE_GATEWAY, "GET /.dstack/app-info HTTP/1.1\r\n\r\n", &b) == PAGES_ANSWERED &&
	       begins(&b, "HTTP/1.1 503")); /* the agent did not say */
}

static void test_a_head_without_end_is_refused(void)
{
	auto_buf struct buf head = BUF_MAX(64 * 1024), b = BUF_MAX(PAGES_ANSWER_MAX);

	assert(buf_add_str(&head, "GET / HTTP/1.1\r\n") == 0);
	while (head.n < PAGES_HEAD_MAX)
		assert(buf_add_str(&head, "x") == 0);
	assert(pages_answer(PAGE_GATEWAY, head.p, PAGES_HEAD_MAX - 1, &texts, &b) == PAGES_MORE);
	assert(pages_answer(PAGE_GATEWAY, head.p, PAGES_HEAD_MAX, &texts, &b) == PAGES_ANSWERED);
	assert(begins(&b, "HTTP/1.1 431 "));
}

static void test_access_log(void)
{
	static struct access_log l = { .sample = 3 };
	struct access_entry a = { .start_unix_ms = 1700000000123,
				  .client = "192.0.2.1:5",
				  .end = GW_END_DONE };
	static struct gw_counters counters;
	char line[ACCESS_LINE_MAX], got[ACCESS_LINE_MAX];
	int fds[2], i, wanted = 0;
	size_t n = access_log_line(&a, line);

	assert(n > 0 &&
	       strncmp(line, "{\"time\":\"2023-11-14T22:13:20.123Z\",\"client\":\"192.0.2.1:5\",",
		       58) == 0);
	assert(strcmp(line + n - 3, "}\n") != 0 && line[n - 1] == '\n');
	assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	l.fd = fds[0];
	for (i = 0; i < 9; i++)
		wanted += access_log_wants(&l, GW_END_DONE);
	assert(wanted == 3 && access_log_wants(&l, GW_END_IDLE) &&
	       !access_log_wants(&l, GW_END_TOTAL));
	access_log_add(&l, &a, &counters);
	access_log_flush(&l, &counters);
	assert(read(fds[1], got, sizeof(got)) == (ssize_t)n && memcmp(got, line, n) == 0);
	(void)close(fds[1]);
	(void)close(fds[0]);
	access_log_add(&l, &a, &counters);
	access_log_flush(&l, &counters);
	assert(counters.log_lost == 1);
	l.fd = -1;
	assert(!access_log_wants(&l, GW_END_DONE));
}

static void test_alert_is_a_record(void)
{
	static const uint8_t want[] = { 21, 3, 3, 0, 2, 2, 112 };
	uint8_t got[TLS_GATE_ALERT_SIZE];

	tls_gate_alert(112, got);
	assert(memcmp(got, want, sizeof(want)) == 0);
}

static void test_ticket_keys_are_kept_for_a_while(void)
{
	struct tickets t[TICKETS_KEPT + 1];
	uint32_t i;

	tickets_make(NULL, &t[0]);
	assert(t[0].n == 1);
	for (i = 1; i <= TICKETS_KEPT; i++) {
		tickets_make(&t[i - 1], &t[i]);
		assert(t[i].n == (i < TICKETS_KEPT ? i + 1 : TICKETS_KEPT));
		assert(memcmp(&t[i].keys[1], &t[i - 1].keys[0], sizeof(t[i].keys[1])) == 0);
		assert(!secret_equal(&t[i].keys[0], &t[i].keys[1], sizeof(t[i].keys[0])));
	}
	tickets_wipe(&t[0]);
	assert(secret_is_zero(&t[0], sizeof(t[0])));
}

static bool is_in(const char *network, const char *address)
{
	struct sockaddr_storage a;
	struct gw_network n;
	struct sockaddr_in *in = (void *)&a;
	struct sockaddr_in6 *in6 = (void *)&a;

	memset(&a, 0, sizeof(a));
	assert(config_read_network(network, &n, NULL) == 0);
	if (strchr(address, ':')) {
		in6->sin6_family = AF_INET6;
		assert(inet_pton(AF_INET6, address, &in6->sin6_addr) == 1);
	} else {
		in->sin_family = AF_INET;
		assert(inet_pton(AF_INET, address, &in->sin_addr) == 1);
	}
	return gw_network_has(&n, (struct sockaddr *)&a);
}

static void test_networks(void)
{
	assert(is_in("10.0.0.0/8", "10.255.0.1") && !is_in("10.0.0.0/8", "11.0.0.1"));
	assert(is_in("10.0.0.0/8", "::ffff:10.1.1.1") && !is_in("10.0.0.0/8", "::10.1.1.1"));
	assert(is_in("192.0.2.128/25", "192.0.2.129") && !is_in("192.0.2.128/25", "192.0.2.1"));
	assert(is_in("192.0.2.1", "192.0.2.1") && !is_in("192.0.2.1", "192.0.2.2"));
	assert(is_in("0.0.0.0/0", "1.2.3.4") && !is_in("0.0.0.0/0", "fd00::1"));
	assert(is_in("fd00::/9", "fd7f::1") && !is_in("fd00::/9", "fd80::1") &&
	       !is_in("fd00::/9", "10.0.0.1"));
	assert(config_check_network("10.0.0.0/33", NULL) < 0 &&
	       config_check_network("x", NULL) < 0);
	assert(config_check_network("10.0.0.0/", NULL) < 0 &&
	       config_check_network("::/129", NULL) < 0);
}

int main(void)
{
	test_wheel_is_never_early_and_at_most_a_tick_late();
	test_wheel_moves_nearer_only();
	test_wheel_after_a_long_sleep_and_beyond_its_reach();
	test_chunks_grow_to_their_end_and_keep_order();
	test_pipes_that_hold_bytes_are_not_lent_again();
	test_pages();
	test_pages_of_texts();
	test_a_head_without_end_is_refused();
	test_access_log();
	test_alert_is_a_record();
	test_ticket_keys_are_kept_for_a_while();
	test_networks();
	return 0;
}
