/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tls_front: an HTTPS server on a thread of its own, for clients that wait
 *
 * It answers each request with "<method> <path> <bytes of the body> <bytes of the client's certificate>
 * <server name>"; "/large" with 1 MiB, "/never" never.  What is done to it is done on its thread, by test_on_loop().
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/test_tls.h"
#include "crypto/tls.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "loop/tls_front.h"

enum { TEST_PATIENCE_MS = 60 * 1000, TEST_LARGE = 1 << 20 };

struct test_front {
	struct tls_front_options o;
	bool is_raw; /* no HTTP: what a client says comes back, and its end too */
	void (*answer)(struct http_request *r, void *arg); /* in place of test_front_answer() */
	uv_loop_t loop;
	uv_async_t poke;
	pthread_t thread;
	uv_sem_t done;
	void (*run)(struct test_front *t); /* on the loop, for who waits at @done */
	struct http_server *http;
	struct tls_front *front;
	struct http_request *held;
	struct tls_front_counts counts;
	int listen_fd; /* borrowed by who stops listening; -1 */
	uint16_t port;
	char url[64];
	const char *chain, *key, *ca; /* of a swap */
	int rc;
};

static inline void test_front_answer(struct http_request *r, void *arg)
{
	const struct tls_peer *p = http_request_peer(r);
	struct test_front *t = arg;
	char text[512];
	size_t n;

	(void)http_request_body(r, &n);
	if (str_equal(http_request_path(r), "/large")) {
		auto_free char *large = xcalloc(1, TEST_LARGE);

		memset(large, 'x', TEST_LARGE);
		http_reply(r, 200, "text/plain", large, TEST_LARGE, NULL);
		return;
	}
	if (str_equal(http_request_path(r), "/never")) {
		t->held = r;
		return;
	}
	(void)str_format(text, sizeof(text), "%s %s %zu %zu %s", http_request_method(r),
			 http_request_path(r), n, p->n_cert, p->server_name);
	http_reply(r, 200, "text/plain", text, strlen(text), NULL);
}

/* A client of a raw server: its bytes come back from a thread, which ends with them. */
static inline void *test_front_echo(void *arg)
{
	auto_close int fd = *(int *)arg;
	char block[4096];
	ssize_t n;

	free(arg);
	assert(fd_set_nonblocking(fd, false) == 0);
	while ((n = read(fd, block, sizeof(block))) > 0) {
		if (send(fd, block, (size_t)n, MSG_NOSIGNAL) != n)
			return NULL;
	}
	(void)send(fd, "bye", 3, MSG_NOSIGNAL);
	return NULL;
}

static inline void test_front_client(int fd, const struct tls_peer *p, void *arg)
{
	struct test_front *t = arg;
	pthread_t thread;
	int *box;

	if (!t->is_raw) {
		(void)http_server_add(t->http, fd, p, tls_peer_size(p), NULL);
		return;
	}
	box = xmemdup(&fd, sizeof(fd));
	assert(pthread_create(&thread, NULL, test_front_echo, box) == 0);
	assert(pthread_detach(thread) == 0);
}

static inline void test_front_poked(uv_async_t *a)
{
	struct test_front *t = a->data;
	void (*run)(struct test_front * t) = t->run;

	t->run = NULL;
	if (run) {
		run(t);
		uv_sem_post(&t->done);
	}
}

static inline void *test_front_main(void *arg)
{
	struct test_front *t = arg;

	assert(uv_run(&t->loop, UV_RUN_DEFAULT) == 0);
	return NULL;
}

static inline void test_on_loop(struct test_front *t, void (*run)(struct test_front *t))
{
	t->run = run;
	assert(uv_async_send(&t->poke) == 0);
	uv_sem_wait(&t->done);
}

static inline void test_front_start(struct test_front *t, const struct test_ids *ids)
{
	const struct http_server_options http = { .on_request =
							  t->answer ? t->answer : test_front_answer,
						  .conns_max = 512,
						  .body_max = 4 << 20,
						  .arg = t };
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	int fd = listen_tcp("127.0.0.1:0", NULL);

	assert(fd >= 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	t->port = ntohs(a.sin_port);
	(void)str_format(t->url, sizeof(t->url), "https://localhost:%u", t->port);
	assert(uv_loop_init(&t->loop) == 0 && uv_sem_init(&t->done, 0) == 0);
	assert(uv_async_init(&t->loop, &t->poke, test_front_poked) == 0);
	t->poke.data = t;
	assert(http_server_start(&t->http, &t->loop, &http, NULL) == 0);
	t->o.chain = test_chain(&ids->server);
	t->o.key = ids->server.key_pem;
	t->o.client_ca = test_cert(&ids->root);
	if (!t->o.on_client)
		t->o.on_client = test_front_client;
	t->o.arg = t;
	assert(tls_front_start(&t->front, &t->loop, &t->o, NULL) == 0);
	t->listen_fd = fd;
	assert(tls_front_listen(t->front, fd, NULL) == 0);
	assert(pthread_create(&t->thread, NULL, test_front_main, t) == 0);
}

static inline void test_front_end(struct test_front *t)
{
	tls_front_stop(t->front, NULL, NULL);
	http_server_stop(t->http, NULL, NULL);
	if (t->held)
		http_reply(t->held, 500, "text/plain", "", 0, NULL);
	t->held = NULL;
	uv_close((uv_handle_t *)&t->poke, NULL);
}

static inline void test_front_stop(struct test_front *t)
{
	test_on_loop(t, test_front_end);
	assert(pthread_join(t->thread, NULL) == 0);
	assert(uv_loop_close(&t->loop) == 0);
	uv_sem_destroy(&t->done);
}

static inline void test_front_look(struct test_front *t)
{
	tls_front_count(t->front, &t->counts);
}

/* Until something is true of the counts, or a minute is over. */
#define TEST_COUNTS(t, claim)                                                                      \
	do {                                                                                       \
		uint64_t end = time_mono_ms() + TEST_PATIENCE_MS;                                  \
		do {                                                                               \
			(void)poll(NULL, 0, 1);                                                    \
			test_on_loop(t, test_front_look);                                          \
			assert(time_mono_ms() < end);                                              \
		} while (!(claim));                                                                \
	} while (0)

/* A connected TCP socket. */
static inline int test_dial(const struct test_front *t)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(t->port),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

/* Wait until the server has hung up on @fd: an end, or a reset. */
static inline void test_until_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char waste[4096];

	do {
		assert(poll(&p, 1, TEST_PATIENCE_MS) == 1);
	} while (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0);
}

/* A client that waits, with the parts in hand. */
struct test_tls_client {
	int fd;
	struct tls_ctx *ctx;
	struct tls *tls;
};

static inline int test_wait(int fd, int rc)
{
	struct pollfd p = { .fd = fd };

	if (rc != TLS_WANT_READ && rc != TLS_WANT_WRITE)
		return rc;
	p.events = rc == TLS_WANT_READ ? POLLIN : POLLOUT;
	assert(poll(&p, 1, TEST_PATIENCE_MS) == 1);
	return 0;
}

/* Return: 0, or what the handshake came to. */
static inline int test_tls_shake(struct test_tls_client *c)
{
	int rc;

	do {
		rc = tls_handshake(c->tls, NULL);
		if (rc == 0)
			return 0;
		rc = test_wait(c->fd, rc);
	} while (rc == 0);
	return rc;
}

/* The same, from the beginning. */
static inline int test_tls_connect(struct test_tls_client *c, const struct test_front *t,
				   const struct test_id *id, const char *ca)
{
	const struct tls_ctx_options o = { .trust = TLS_TRUST_CA,
					   .ca = ca,
					   .chain = id ? test_chain(id) : NULL,
					   .key = id ? id->key_pem : NULL };

	assert(tls_ctx_new(&o, &c->ctx, NULL) == 0);
	c->fd = test_dial(t);
	assert(fd_set_nonblocking(c->fd, true) == 0);
	c->tls = tls_new(c->ctx, c->fd, "localhost");
	return test_tls_shake(c);
}

static inline void test_tls_write(struct test_tls_client *c, const void *p, size_t n)
{
	const uint8_t *at = p;
	ssize_t r;

	while (n > 0) {
		r = tls_write(c->tls, at, n, NULL);
		if (r > 0) {
			at += r;
			n -= (size_t)r;
		} else {
			assert(test_wait(c->fd, (int)r) == 0);
		}
	}
}

/* Return: bytes, 0 at the end, negative. */
static inline ssize_t test_tls_read(struct test_tls_client *c, void *p, size_t n)
{
	ssize_t r;

	do {
		r = tls_read(c->tls, p, n, NULL);
	} while ((r == TLS_WANT_READ || r == TLS_WANT_WRITE) && test_wait(c->fd, (int)r) == 0);
	return r;
}

static inline void test_tls_close(struct test_tls_client *c)
{
	tls_free(c->tls);
	tls_ctx_unref(c->ctx);
	c->fd = fd_close(c->fd);
}
