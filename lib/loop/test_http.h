/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_http: a loop, a server on a unix socket and raw clients, for the tests of this folder
 *
 * A raw client is a non-blocking socket read on each turn of the loop.  Waiting is for a condition, with
 * a deadline that only a hang reaches.
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/time.h"
#include "loop/http_server.h"
#include "loop/listen.h"

enum { TEST_PATIENCE_MS = 60 * 1000, TEST_TICK_MS = 2 };

struct test_http {
	uv_loop_t loop;
	uv_timer_t tick;
	struct http_server *server;
	char path[64];
	bool stopped;
};

struct test_client {
	int fd;
	struct buf in;
	bool ended, reset;
};

static inline void test_on_tick(uv_timer_t *t)
{
	(void)t; /* only so that uv_run() returns */
}

static inline void test_loop_start(struct test_http *t)
{
	assert(uv_loop_init(&t->loop) == 0);
	assert(uv_timer_init(&t->loop, &t->tick) == 0);
	assert(uv_timer_start(&t->tick, test_on_tick, TEST_TICK_MS, TEST_TICK_MS) == 0);
}

static inline void test_on_stopped(void *arg)
{
	struct test_http *t = arg;

	t->stopped = true;
}

static inline void test_turn(struct test_http *t)
{
	(void)uv_run(&t->loop, UV_RUN_ONCE);
}

/* A turn, while there is time. */
static inline void test_turn_before(struct test_http *t, uint64_t end_ms, const char *what)
{
	if (time_mono_ms() >= end_ms)
		(void)fprintf(stderr, "waited in vain for %s\n", what);
	assert(time_mono_ms() < end_ms);
	test_turn(t);
}

#define TEST_UNTIL(t, condition)                                                                   \
	for (uint64_t end_ = time_mono_ms() + TEST_PATIENCE_MS; !(condition);)                     \
	test_turn_before(t, end_, #condition)

static inline void test_server_start(struct test_http *t, const struct http_server_options *o)
{
	struct err e = ERR_NONE;
	int fd;

	test_loop_start(t);
	assert(http_server_start(&t->server, &t->loop, o, &e) == 0);
	(void)snprintf(t->path, sizeof(t->path), "./http-test-%d.sock", (int)getpid());
	fd = listen_unix(t->path, 0600, &e);
	assert(fd >= 0);
	assert(http_server_listen(t->server, fd, "peer", sizeof("peer"), &e) == 0);
}

static inline void test_loop_end(struct test_http *t)
{
	uv_close((uv_handle_t *)&t->tick, NULL);
	assert(uv_run(&t->loop, UV_RUN_DEFAULT) == 0);
	assert(uv_loop_close(&t->loop) == 0);
}

static inline void test_server_end(struct test_http *t)
{
	t->stopped = false;
	http_server_stop(t->server, test_on_stopped, t);
	TEST_UNTIL(t, t->stopped);
	(void)unlink(t->path);
	test_loop_end(t);
}

static inline struct test_client test_connect(const struct test_http *t)
{
	struct err e = ERR_NONE;
	struct test_client c = { .fd = connect_unix(t->path, &e), .in = BUF_MAX(64 << 20) };

	assert(c.fd >= 0);
	return c;
}

static inline void test_send(struct test_http *t, struct test_client *c, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = send(c->fd, at, n, MSG_NOSIGNAL);
		if (done < 0 && errno == EAGAIN) {
			test_turn(t);
			continue;
		}
		assert(done > 0);
		at += done;
		n -= (size_t)done;
	}
}

#define TEST_SAY(t, c, text) test_send(t, c, text, strlen(text))

/* Read what there is.  Return: true, to be used in conditions. */
static inline bool test_read(struct test_client *c)
{
	char block[2048];
	ssize_t n;

	while (!c->ended && (n = recv(c->fd, block, sizeof(block), MSG_DONTWAIT)) != -1) {
		if (n == 0)
			c->ended = true;
		else
			assert(buf_add(&c->in, block, (size_t)n) == 0);
	}
	if (!c->ended && errno != EAGAIN)
		c->ended = c->reset = true;
	return true;
}

static inline const char *test_text(const struct test_client *c)
{
	return c->in.p ? (const char *)c->in.p : "";
}

#define TEST_UNTIL_ENDED(t, c)	   TEST_UNTIL(t, test_read(c) && (c)->ended)
#define TEST_UNTIL_HAS(t, c, text) TEST_UNTIL(t, test_read(c) && strstr(test_text(c), text))

static inline void test_hang_up(struct test_client *c)
{
	c->fd = fd_close(c->fd);
	buf_deinit(&c->in);
}

/* How often @needle is in what was read. */
static inline unsigned int test_count(const struct test_client *c, const char *needle)
{
	const char *at = test_text(c);
	unsigned int n = 0;

	while ((at = strstr(at, needle))) {
		at += strlen(needle);
		n++;
	}
	return n;
}
