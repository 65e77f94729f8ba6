/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kms: a KMS in a thread, or something that passes itself off as one
 *
 * Owns     a listening socket on the loopback interface, a thread, its certificates.  One client at a time.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "crypto/ratls.h"
#include "crypto/tls.h"
#include "data/json.h"
#include "tee/ratls_cert.h"

#define TEST_KMS_HEX32 "0101010101010101010101010101010101010101010101010101010101010101"

enum test_kms_lie {
	KMS_HONEST,
	KMS_OTHER_ROOT,	  /* all its own */
	KMS_BORROWS_ROOT, /* tells the true root's certificate, and is not of it */
	KMS_IS_AN_APP,	  /* has a certificate of the root, for an app */
	KMS_APP_REFUSES,  /* likewise, and says no */
	KMS_IS_NOBODY,	  /* likewise, for nothing in particular */
	KMS_ELSEWHERE,	  /* likewise, for another host */
	KMS_SHORT_KEY,
	KMS_NO_KEY,
	KMS_SWAPS_CA, /* tells another root in its second answer */
	KMS_TWO_ROOTS,
	KMS_REFUSES,
	KMS_GARBAGE,
	KMS_LARGE, /* an answer without end */
	KMS_HANGS, /* takes the connection, and nothing more */
};

/* What all of a test's KMS share. */
struct test_kms_roots {
	struct p256_key root, other, temp;
	char *root_pem, *other_pem, *temp_pem, *temp_key;
	uint8_t spki[P256_SPKI];
};

struct test_kms {
	const struct test_kms_roots *roots;
	enum test_kms_lie lie;
	atomic_int n_busy;    /* so many answers are 503 */
	atomic_int n_hang_up; /* so many connections are closed in the handshake */
	atomic_int n_die;     /* so many times it is killed when it is asked for keys */
	atomic_int n_temp, n_keys;
	atomic_bool stops;
	int listener;
	char url[64];
	pthread_t thread;
	struct tls_ctx *ctx;
	char *asked;	     /* body of the last GetAppKey or SignCert */
	struct ratls client; /* of the last client that showed a certificate */
	char *(*sign)(const char *body, const struct test_kms *k); /* SignCert's answer */
};

static inline char *test_kms_cert(const struct ratls_cert_args *more, const char *name,
				  const struct p256_key *subject, const char *issuer,
				  const struct p256_key *issuer_key)
{
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct ratls_cert_args a = *more;
	uint8_t spki[P256_SPKI];

	p256_key_spki(subject, spki);
	a.common_name = (struct ratls_cert_text){ name, strlen(name) };
	a.key = spki;
	a.n_key = sizeof(spki);
	a.issuer_cert = issuer;
	a.issuer_key = issuer_key;
	a.not_before = now - 60;
	a.not_after = now + 3600;
	assert(ratls_cert_make(&a, &pem, NULL) == 0);
	return buf_take_str(&pem);
}

static inline void test_kms_roots_init(struct test_kms_roots *r)
{
	const struct ratls_cert_args ca = { .is_ca = true, .path_length = 1 };

	assert(p256_key_random(&r->root, NULL) == 0 && p256_key_random(&r->other, NULL) == 0 &&
	       p256_key_random(&r->temp, NULL) == 0);
	r->root_pem = test_kms_cert(&ca, "Dstack KMS CA", &r->root, NULL, &r->root);
	r->other_pem = test_kms_cert(&ca, "Dstack KMS CA", &r->other, NULL, &r->other);
	r->temp_pem = test_kms_cert(&ca, "Dstack Client Temp CA", &r->temp, NULL, &r->temp);
	r->temp_key = p256_key_pem(&r->temp);
	p256_key_spki(&r->root, r->spki);
}

static inline void test_kms_roots_deinit(struct test_kms_roots *r)
{
	free(r->root_pem);
	free(r->other_pem);
	free(r->temp_pem);
	free(r->temp_key);
}

static inline struct tls_ctx *test_kms_ctx(const struct test_kms *k)
{
	static const struct ratls_cert_text here = { "127.0.0.1", 9 }, there = { "127.0.0.2", 9 };
	const struct ratls_cert_args leaf = {
		.alt_names = k->lie == KMS_ELSEWHERE ? &there : &here,
		.n_alt_names = 1,
		.usage = k->lie == KMS_IS_AN_APP || k->lie == KMS_APP_REFUSES
				 ? RATLS_USAGE_APP_CUSTOM
			 : k->lie == KMS_IS_NOBODY ? NULL
						   : RATLS_USAGE_KMS_RPC,
	};
	bool is_other = k->lie == KMS_OTHER_ROOT || k->lie == KMS_BORROWS_ROOT;
	const struct test_kms_roots *r = k->roots;
	struct tls_ctx *ctx = NULL;
	struct p256_key key;
	auto_free char *pem = NULL, *key_pem = NULL;

	assert(p256_key_random(&key, NULL) == 0);
	pem = test_kms_cert(&leaf, "kms", &key, is_other ? r->other_pem : r->root_pem,
			    is_other ? &r->other : &r->root);
	key_pem = p256_key_pem(&key);
	const struct tls_ctx_options o = { .is_server = true,
					   .chain = pem,
					   .key = key_pem,
					   .trust = TLS_TRUST_CA,
					   .ca = r->temp_pem };

	assert(tls_ctx_new(&o, &ctx, NULL) == 0);
	return ctx;
}

static inline char *test_kms_temp_ca(const struct test_kms *k)
{
	const struct test_kms_roots *r = k->roots;
	auto_free char *two = xasprintf("%s%s", r->root_pem, r->other_pem);
	const char *root = k->lie == KMS_OTHER_ROOT  ? r->other_pem
			   : k->lie == KMS_TWO_ROOTS ? two
						     : r->root_pem;
	json_t *o = json_pack("{s:s, s:s, s:s}", "temp_ca_cert", r->temp_pem, "temp_ca_key",
			      r->temp_key, "ca_cert", root);
	char *text = json_compact(o);

	json_decref(o);
	return text;
}

static inline char *test_kms_app_keys(const struct test_kms *k)
{
	const char *disk = k->lie == KMS_SHORT_KEY ? "01"
			   : k->lie == KMS_NO_KEY  ? ""
						   : TEST_KMS_HEX32;
	const char *root = k->lie == KMS_SWAPS_CA || k->lie == KMS_OTHER_ROOT ? k->roots->other_pem
									      : k->roots->root_pem;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ca_cert", root,
			      "disk_crypt_key", disk, "env_crypt_key", TEST_KMS_HEX32, "k256_key",
			      TEST_KMS_HEX32, "k256_signature", TEST_KMS_HEX32 TEST_KMS_HEX32 "00",
			      "gateway_app_id", "gate", "os_image_hash", TEST_KMS_HEX32);
	char *text = json_compact(o);

	json_decref(o);
	return text;
}

/* The answer's body, and its status; NULL: none. */
static inline char *test_kms_answer(struct test_kms *k, const char *request, int *ret_status)
{
	const char *body = strstr(request, "\r\n\r\n") + 4;

	*ret_status = 200;
	if (k->n_busy > 0) {
		k->n_busy--;
		*ret_status = 503;
		return xstrdup("busy");
	}
	if (str_starts(request, "POST /prpc/GetTempCaCert?json ")) {
		k->n_temp++;
		return k->lie == KMS_GARBAGE ? xstrdup("<html>") : test_kms_temp_ca(k);
	}
	free(k->asked);
	k->asked = xstrdup(body);
	if (str_starts(request, "POST /prpc/SignCert?json "))
		return k->sign(body, k);
	assert(str_starts(request, "POST /prpc/GetAppKey?json "));
	if (k->n_die > 0) {
		k->n_die--;
		return NULL;
	}
	k->n_keys++;
	if (k->lie != KMS_REFUSES && k->lie != KMS_APP_REFUSES)
		return test_kms_app_keys(k);
	*ret_status = 400;
	return xstrdup("{\"error\":\"App not allowed: Boot denied: not\\nlisted\"}");
}

static inline ssize_t test_kms_wait(int fd, ssize_t rc)
{
	struct pollfd p = { .fd = fd, .events = rc == TLS_WANT_WRITE ? POLLOUT : POLLIN };

	if (rc != TLS_WANT_READ && rc != TLS_WANT_WRITE)
		return rc;
	return poll(&p, 1, 10000) == 1 ? 0 : -1;
}

/* A whole request.  Return: false when the client went away. */
static inline bool test_kms_read(struct tls *t, int fd, struct buf *b)
{
	const char *head_end, *length;
	char piece[4096];
	ssize_t n;

	for (;;) {
		head_end = b->p ? strstr((char *)b->p, "\r\n\r\n") : NULL;
		length = head_end ? strstr((char *)b->p, "Content-Length: ") : NULL;
		if (length && b->n >= (size_t)(head_end + 4 - (char *)b->p) +
					      /* NOLINTNEXTLINE(cert-err34-c): of our own client */
					      (size_t)(strtoul)(length + 16, NULL, 10))
			return true;
		n = tls_read(t, piece, sizeof(piece), NULL);
		if (n == 0 || (n < 0 && test_kms_wait(fd, n) < 0))
			return false;
		if (n > 0)
			assert(buf_add(b, piece, (size_t)n) == 0);
	}
}

static inline void test_kms_write(struct tls *t, int fd, const char *p, size_t n)
{
	ssize_t r;

	while (n > 0) {
		r = tls_write(t, p, n, NULL);
		if (r < 0 && test_kms_wait(fd, r) < 0)
			return;
		p += r > 0 ? r : 0;
		n -= r > 0 ? (size_t)r : 0;
	}
}

static inline void test_kms_serve(struct test_kms *k, int fd)
{
	struct tls *t = tls_new(k->ctx, fd, NULL);
	auto_buf struct buf request = BUF_MAX(1 << 24), cert = BUF_MAX(1 << 20);
	auto_free char *body = NULL, *head = NULL;
	ssize_t r;
	int status;

	while (k->lie == KMS_HANGS && !k->stops)
		(void)poll(NULL, 0, 20);
	if (k->n_hang_up > 0) {
		k->n_hang_up--;
		tls_free(t);
		return;
	}
	while ((r = tls_handshake(t, NULL)) != 0 && test_kms_wait(fd, r) == 0)
		continue;
	if (r == 0 && test_kms_read(t, fd, &request)) {
		if (tls_peer_cert(t, &cert) == 0 && cert.n > 0) {
			ratls_deinit(&k->client);
			assert(ratls_read(cert.p, cert.n, &k->client, NULL) == 0);
		}
		body = test_kms_answer(k, (char *)request.p, &status);
		if (!body) {
			tls_free(t);
			return;
		}
		head = xasprintf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
				 k->lie == KMS_LARGE ? (size_t)1 << 30 : strlen(body), body);
		test_kms_write(t, fd, head, strlen(head));
		(void)tls_end(t, NULL);
		while ((r = tls_read(t, (char[64]){ 0 }, 64, NULL)) != 0 &&
		       test_kms_wait(fd, r) == 0)
			continue;
	}
	tls_free(t);
}

static inline void *test_kms_run(void *arg)
{
	struct test_kms *k = arg;
	struct pollfd p = { .fd = k->listener, .events = POLLIN };

	while (!k->stops) {
		auto_close int fd = -1;

		if (poll(&p, 1, 20) != 1)
			continue;
		fd = accept4(k->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			test_kms_serve(k, fd);
	}
	return NULL;
}

static inline void test_kms_start(struct test_kms *k, const struct test_kms_roots *roots,
				  enum test_kms_lie lie)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	*k = (struct test_kms){ .roots = roots, .lie = lie };
	k->ctx = test_kms_ctx(k);
	k->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert(bind(k->listener, (struct sockaddr *)&a, sizeof(a)) == 0);
	assert(getsockname(k->listener, (struct sockaddr *)&a, &n) == 0);
	assert(listen(k->listener, 16) == 0);
	(void)snprintf(k->url, sizeof(k->url), "https://127.0.0.1:%u", ntohs(a.sin_port));
	assert(pthread_create(&k->thread, NULL, test_kms_run, k) == 0);
}

static inline void test_kms_stop(struct test_kms *k)
{
	k->stops = true;
	assert(pthread_join(k->thread, NULL) == 0);
	k->listener = fd_close(k->listener);
	tls_ctx_unref(k->ctx);
	ratls_deinit(&k->client);
	free(k->asked);
}
