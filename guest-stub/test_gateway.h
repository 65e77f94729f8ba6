/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_gateway: a gateway in a thread, or something that passes itself off as one; and an agent that gives
 * certificates for it
 *
 * Owns     a listening socket each, a thread each.  One client at a time.
 */
#pragma once

#include "guest-stub/test_kms.h"

#include <sys/un.h>

#include "tee/app_info.h"

enum gateway_lie {
	GATEWAY_HONEST,
	GATEWAY_OTHER_ROOT,
	GATEWAY_OTHER_APP,
	GATEWAY_NO_APP,
	GATEWAY_ELSEWHERE, /* its certificate is for another host */
	GATEWAY_REFUSES,
	GATEWAY_GARBAGE,
	GATEWAY_LARGE,
	GATEWAY_HANGS,	    /* takes the connection, and nothing more */
	GATEWAY_TAKES_OURS, /* answers with a network that the guest is in */
};

static const uint8_t test_gateway_app[20] = { 0xab, 0xcd };
#define TEST_GATEWAY_APP "abcd000000000000000000000000000000000000"
#define TEST_GATEWAY_KEY "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

struct test_gateway {
	const struct test_kms_roots *roots;
	_Atomic(enum gateway_lie) lie;
	atomic_int n_asked;
	atomic_bool stops, was_ready; /* was_ready: of the last request */
	pthread_mutex_t lock;
	char *asked;	     /* body of the last request */
	struct ratls client; /* of the last client */
	int listener;
	char url[64];
	pthread_t thread;
};

static inline struct tls_ctx *test_gateway_ctx(const struct test_gateway *g, enum gateway_lie lie)
{
	static const struct ratls_cert_text here = { "127.0.0.1", 9 }, there = { "127.0.0.2", 9 };
	static const uint8_t other[20] = { 1 };
	const struct ratls_cert_args leaf = {
		.alt_names = lie == GATEWAY_ELSEWHERE ? &there : &here,
		.n_alt_names = 1,
		.for_server = true,
		.app_id = lie == GATEWAY_OTHER_APP ? other : test_gateway_app,
		.n_app_id = lie == GATEWAY_NO_APP ? 0 : sizeof(other),
	};
	bool is_other = lie == GATEWAY_OTHER_ROOT;
	const struct test_kms_roots *r = g->roots;
	struct tls_ctx *ctx = NULL;
	struct p256_key key;
	auto_free char *pem = NULL, *key_pem = NULL;

	assert(p256_key_random(&key, NULL) == 0);
	pem = test_kms_cert(&leaf, "gateway", &key, is_other ? r->other_pem : r->root_pem,
			    is_other ? &r->other : &r->root);
	key_pem = p256_key_pem(&key);
	const struct tls_ctx_options o = { .is_server = true,
					   .chain = pem,
					   .key = key_pem,
					   .trust = TLS_TRUST_CA,
					   .ca = r->root_pem };

	assert(tls_ctx_new(&o, &ctx, NULL) == 0);
	return ctx;
}

static inline char *test_gateway_answer(enum gateway_lie lie, int *status)
{
	*status = 200;
	if (lie == GATEWAY_GARBAGE)
		return xstrdup("<html>");
	if (lie == GATEWAY_REFUSES) {
		*status = 400;
		return xstrdup("{\"error\":\"this app\\nmay not\"}");
	}
	return xasprintf("{\"wg\":{\"client_ip\":\"%s\",\"servers\":[{\"pk\":\"" TEST_GATEWAY_KEY
			 "\",\"ip\":\"10.8.0.1/16\",\"endpoint\":\"10.0.2.2:51820\"}]},\"agent\":{"
			 "\"domain\":\"example.com\",\"external_port\":443}}",
			 lie == GATEWAY_TAKES_OURS ? "10.0.2.3" : "10.8.0.2");
}

/* What was asked, and by whom. */
static inline void test_gateway_note(struct test_gateway *g, struct tls *t, const char *request)
{
	auto_buf struct buf cert = BUF_MAX(1 << 20);

	assert(str_starts(request, "POST /prpc/RegisterCvm?json "));
	assert(tls_peer_cert(t, &cert) == 0 && cert.n > 0);
	assert(pthread_mutex_lock(&g->lock) == 0);
	free(g->asked);
	g->asked = xstrdup(strstr(request, "\r\n\r\n") + 4);
	ratls_deinit(&g->client);
	assert(ratls_read(cert.p, cert.n, &g->client, NULL) == 0);
	g->was_ready = strstr(g->asked, "\"ready\":true") != NULL;
	assert(pthread_mutex_unlock(&g->lock) == 0);
}

static inline void test_gateway_serve(struct test_gateway *g, int fd)
{
	enum gateway_lie lie = g->lie;
	struct tls_ctx *ctx = test_gateway_ctx(g, lie);
	struct tls *t = tls_new(ctx, fd, NULL);
	auto_buf struct buf request = BUF_MAX(1 << 24);
	auto_free char *body = NULL, *head = NULL;
	ssize_t r;
	int status;

	while (lie == GATEWAY_HANGS && g->lie == GATEWAY_HANGS && !g->stops)
		(void)poll(NULL, 0, 20);
	while ((r = tls_handshake(t, NULL)) != 0 && test_kms_wait(fd, r) == 0)
		continue;
	if (r == 0 && lie != GATEWAY_HANGS && test_kms_read(t, fd, &request)) {
		test_gateway_note(g, t, (char *)request.p);
		body = test_gateway_answer(lie, &status);
		head = xasprintf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
				 lie == GATEWAY_LARGE ? (size_t)1 << 30 : strlen(body), body);
		g->n_asked++;
		test_kms_write(t, fd, head, strlen(head));
		(void)tls_end(t, NULL);
		while ((r = tls_read(t, (char[64]){ 0 }, 64, NULL)) != 0 &&
		       test_kms_wait(fd, r) == 0)
			continue;
	}
	tls_free(t);
	tls_ctx_unref(ctx);
}

static inline void *test_gateway_run(void *arg)
{
	struct test_gateway *g = arg;
	struct pollfd p = { .fd = g->listener, .events = POLLIN };

	while (!g->stops) {
		auto_close int fd = -1;

		if (poll(&p, 1, 20) != 1)
			continue;
		fd = accept4(g->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			test_gateway_serve(g, fd);
	}
	return NULL;
}

static inline void test_gateway_start(struct test_gateway *g, const struct test_kms_roots *roots,
				      enum gateway_lie lie)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	*g = (struct test_gateway){ .roots = roots, .lock = PTHREAD_MUTEX_INITIALIZER };
	g->lie = lie;
	g->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert(bind(g->listener, (struct sockaddr *)&a, sizeof(a)) == 0);
	assert(getsockname(g->listener, (struct sockaddr *)&a, &n) == 0);
	assert(listen(g->listener, 16) == 0);
	(void)snprintf(g->url, sizeof(g->url), "https://127.0.0.1:%u", ntohs(a.sin_port));
	assert(pthread_create(&g->thread, NULL, test_gateway_run, g) == 0);
}

static inline void test_gateway_stop(struct test_gateway *g)
{
	g->stops = true;
	assert(pthread_join(g->thread, NULL) == 0);
	g->listener = fd_close(g->listener);
	ratls_deinit(&g->client);
	free(g->asked);
}

/* ---- the agent ---- */

struct test_agent {
	const struct test_kms_roots *roots;
	char path[108];
	atomic_bool stops, refuses;
	atomic_int n_asked;
	int listener;
	pthread_t thread;
};

static inline char *test_agent_answer(const struct test_agent *a)
{
	const struct app_info info = { .app_id = { test_gateway_app, 20 } };
	const struct ratls_cert_args leaf = { .for_client = true, .app_info = &info };
	struct p256_key key;
	auto_free char *pem = NULL, *key_pem = NULL;
	json_t *o;
	char *text;

	assert(p256_key_random(&key, NULL) == 0);
	pem = test_kms_cert(&leaf, "dstack-guest-agent", &key, a->roots->root_pem, &a->roots->root);
	key_pem = p256_key_pem(&key);
	o = json_pack("{s:s, s:[s, s]}", "key", key_pem, "certificate_chain", pem,
		      a->roots->root_pem);
	text = json_compact(o);
	json_decref(o);
	return text;
}

static inline void test_agent_serve(struct test_agent *a, int fd)
{
	auto_free char *body = NULL, *all = NULL;
	char request[4096] = "";
	size_t n = 0;
	ssize_t r = 1;

	while (r > 0 && !strstr(request, "\r\n\r\n{")) {
		r = recv(fd, request + n, sizeof(request) - n - 1, 0);
		n += r > 0 ? (size_t)r : 0;
		request[n] = 0;
	}
	assert(str_starts(request, "POST /GetTlsKey ") &&
	       strstr(request, "\"usage_client_auth\":true") &&
	       strstr(request, "\"with_app_info\":true") && strstr(request, "\"not_after\":"));
	body = a->refuses ? xstrdup("{\"error\":\"the KMS is away\"}") : test_agent_answer(a);
	all = xasprintf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", a->refuses ? 400 : 200,
			strlen(body), body);
	a->n_asked++;
	assert(fd_write_all(fd, all, strlen(all)) == 0);
}

static inline void *test_agent_run(void *arg)
{
	struct test_agent *a = arg;
	struct pollfd p = { .fd = a->listener, .events = POLLIN };

	while (!a->stops) {
		auto_close int fd =
			poll(&p, 1, 20) == 1 ? accept4(a->listener, NULL, NULL, SOCK_CLOEXEC) : -1;

		if (fd >= 0)
			test_agent_serve(a, fd);
	}
	return NULL;
}

static inline void test_agent_start(struct test_agent *a, const struct test_kms_roots *roots,
				    const char *folder)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	*a = (struct test_agent){ .roots = roots };
	assert(str_format(a->path, sizeof(a->path), "%s/dstack.sock", folder) > 0);
	assert(str_copy(to.sun_path, sizeof(to.sun_path), a->path) > 0);
	(void)unlink(a->path);
	a->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(a->listener, (struct sockaddr *)&to, sizeof(to)) == 0);
	assert(listen(a->listener, 16) == 0);
	assert(pthread_create(&a->thread, NULL, test_agent_run, a) == 0);
}

static inline void test_agent_stop(struct test_agent *a)
{
	a->stops = true;
	assert(pthread_join(a->thread, NULL) == 0);
	a->listener = fd_close(a->listener);
	(void)unlink(a->path);
}
