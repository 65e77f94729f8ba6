/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/notices.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "guest-stub/notice_queue.h"

static void expect(const char *payload, size_t n, const char *want)
{
	auto_free char *body = notices_body("boot.error", payload, n);

	assert(str_equal(body, want));
}

static void test_body_is_dstacks(void)
{
	expect("done", 4, "{\"event\":\"boot.error\",\"payload\":\"done\"}");
	expect("", 0, "{\"event\":\"boot.error\",\"payload\":\"\"}");
	expect("a\n\"b\"", 5, "{\"event\":\"boot.error\",\"payload\":\"a\\n\\\"b\\\"\"}");
}

static void test_bytes_that_are_no_text_are_escaped(void)
{
	expect("x\xff", 2, "{\"event\":\"boot.error\",\"payload\":\"x\"}");
	expect("x\xffy", 3, "{\"event\":\"boot.error\",\"payload\":\"x\\\\xffy\"}");
}

/* Hosts drop payloads over 4096 bytes: a long one is cut, between characters. */
static void test_long_payload_is_cut_between_characters(void)
{
	static char text[2 * NOTICE_PAYLOAD_MAX];
	auto_free char *body = NULL;
	struct err e = ERR_NONE;
	json_t *j = NULL;
	size_t i;

	text[0] = 'a'; /* so that the limit falls inside a character */
	for (i = 1; i < sizeof(text); i++)
		text[i] = i % 2 ? '\xc3' : '\xa9';
	body = notices_body("x", text, sizeof(text) - 1);
	assert(json_parse(body, strlen(body), 1 << 20, "body", &j, &e) == 0);
	i = strlen(json_get_str(j, "payload", ""));
	assert(i == NOTICE_PAYLOAD_MAX - 1);
	json_decref(j);
}

/* A host that is away for some calls, then takes notices. */
struct host {
	int fd;	  /* where the guest goes on while it is away */
	int away; /* calls that it will not answer */
	int n_taken;
	char taken[256][32];
};

static void put(int fd, const char *event, const char *payload)
{
	char packet[128];
	size_t n = strlen(event) + 1 + strlen(payload);

	(void)memcpy(packet, event, strlen(event) + 1);
	(void)memcpy(packet + strlen(event) + 1, payload, strlen(payload));
	assert(send(fd, packet, n, 0) == (ssize_t)n);
}

static int try(void *arg, const char *packet, size_t n)
{
	struct host *h = arg;
	size_t n_event = strlen(packet);

	if (h->away > 0) {
		if (--h->away == 0) {
			put(h->fd, "boot.progress", "last");
			h->fd = fd_close(h->fd);
		}
		return -ECONNREFUSED;
	}
	(void)str_format(h->taken[h->n_taken++], 32, "%s %.*s", packet, (int)(n - n_event - 1),
			 packet + n_event + 1);
	return 0;
}

static void test_notices_wait_for_a_host_that_is_away(void)
{
	static struct host h = { .away = 3 };
	int pair[2], i;

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	h.fd = pair[0];
	for (i = 0; i < 5; i++)
		put(h.fd, "x", (const char *[]){ "a", "b", "c", "d", "e" }[i]);
	notices_pump(pair[1], try, &h);
	(void)fd_close(pair[1]);
	assert(h.n_taken == 6);
	for (i = 0; i < 5; i++)
		assert(h.taken[i][0] == 'x' && h.taken[i][2] == 'a' + i);
	assert(str_equal(h.taken[5], "boot.progress last"));
}

/* One notice, as PID 1 packs it. */
static void add(struct notice_queue *q, const char *event, int payload)
{
	char packet[64];
	int n = str_format(packet, sizeof(packet), "%s=%d", event, payload);

	packet[strlen(event)] = 0;
	notice_queue_add(q, packet, (size_t)n);
}

static bool holds(const struct notice_queue *q, size_t i, const char *event, const char *payload)
{
	const char *p = q->items[i].packet;
	size_t n = strlen(payload);

	return str_equal(p, event) && q->items[i].n == strlen(event) + 1 + n &&
	       memcmp(p + strlen(event) + 1, payload, n) == 0;
}

static void test_the_last_of_each_state_is_never_dropped(void)
{
	struct notice_queue q = NOTICE_QUEUE_NULL;
	int i;

	add(&q, "instance.info", 1);
	add(&q, "boot.progress", 1);
	add(&q, "boot.error", 7);
	add(&q, "shutdown.progress", 9);
	for (i = 0; i < 3 * NOTICE_QUEUE_MAX; i++)
		add(&q, "app.talk", i);
	assert(q.n == NOTICE_QUEUE_MAX && holds(&q, 0, "instance.info", "1"));
	assert(holds(&q, 2, "boot.error", "7") && holds(&q, 3, "shutdown.progress", "9"));
	assert(holds(&q, q.n - 1, "app.talk", "191") && q.n_dropped == 2 * NOTICE_QUEUE_MAX + 4);
	for (i = 2; i < 4 * NOTICE_QUEUE_MAX; i++)
		add(&q, "boot.progress", i);
	assert(q.n == NOTICE_QUEUE_MAX && holds(&q, 0, "instance.info", "1"));
	assert(holds(&q, 1, "boot.error", "7") && holds(&q, 2, "shutdown.progress", "9"));
	assert(holds(&q, q.n - 1, "boot.progress", "255"));
	notice_queue_pop(&q);
	assert(holds(&q, 0, "boot.error", "7"));
	notice_queue_deinit(&q);
}

int main(void)
{
	test_notices_wait_for_a_host_that_is_away();
	test_the_last_of_each_state_is_never_dropped();
	test_body_is_dstacks();
	test_bytes_that_are_no_text_are_escaped();
	test_long_payload_is_cut_between_characters();
	return 0;
}
