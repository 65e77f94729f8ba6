/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/tls_call.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/tls.h"
#include "loop/http_wire.h"
#include "loop/listen.h"
#include "loop/tls_url.h"

enum {
	TIMEOUT_MS = 60 * 1000,
	CONNECT_MS = 5000,
	READ_BLOCK = 16384,
	CHAIN_MAX = 2 * TLS_CERTS_MAX, /* of the peer's chain in PEM */
};

static const size_t reply_max_default = (size_t)10 * 1024 * 1024;

DEFINE_AUTO(struct tls_ctx *, ctx, tls_ctx_unref);
#define auto_ctx __attribute__((cleanup(auto_ctx_fn)))

/* A connection, with TLS on it or without. */
struct channel {
	int fd;
	struct tls *tls; /* NULL: plain */
	uint64_t end_ms;
};

static void channel_deinit(struct channel *c)
{
	tls_free(c->tls);
	c->fd = fd_close(c->fd);
}
#define auto_channel __attribute__((cleanup(channel_deinit)))

/* Until @fd is ready for @events, or @end_ms.  Return: 0 or -ETIMEDOUT. */
static int wait_until(int fd, short events, uint64_t end_ms, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int r;

	do {
		now = time_mono_ms();
		if (now >= end_ms)
			return err_set(e, -ETIMEDOUT, "no answer in time");
		r = poll(&p, 1, (int)(end_ms - now));
	} while (r == 0 || (r < 0 && errno == EINTR));
	return r < 0 ? err_errno(e, errno, "waiting for an answer") : 0;
}

/* Of a step of TLS: wait for what it wants.  Return: 0 again, or @rc. */
static int wait_for(const struct channel *c, int rc, struct err *e)
{
	if (rc == TLS_WANT_READ)
		return wait_until(c->fd, POLLIN, c->end_ms, e);
	if (rc == TLS_WANT_WRITE)
		return wait_until(c->fd, POLLOUT, c->end_ms, e);
	return rc;
}

static ssize_t plain(ssize_t r, int want, const char *what, struct err *e)
{
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == EINTR)
		return want;
	return err_errno(e, errno, "%s", what);
}

static ssize_t write_some(const struct channel *c, const void *p, size_t n, struct err *e)
{
	if (c->tls)
		return tls_write(c->tls, p, n, e);
	return plain(send(c->fd, p, n, MSG_NOSIGNAL), TLS_WANT_WRITE, "writing", e);
}

static ssize_t read_some(const struct channel *c, void *p, size_t n, struct err *e)
{
	if (c->tls)
		return tls_read(c->tls, p, n, e);
	return plain(recv(c->fd, p, n, 0), TLS_WANT_READ, "reading", e);
}

/* One address.  Return: fd or negative. */
static int connect_one(const struct addrinfo *a, uint64_t end_ms, struct err *e)
{
	auto_close int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1, fault = 0;
	socklen_t n = sizeof(fault);

	if (fd < 0)
		return err_errno(e, errno, "socket");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); /* a matter of speed */
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return steal_fd(&fd);
	if (errno != EINPROGRESS)
		return err_errno(e, errno, "cannot connect");
	if (wait_until(fd, POLLOUT, end_ms, NULL) < 0)
		return err_set(e, -ETIMEDOUT, "cannot connect: no answer in time");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) < 0)
		fault = errno;
	if (fault)
		return err_errno(e, fault, "cannot connect");
	return steal_fd(&fd);
}

/* "localhost" and what is below it never leaves this machine; resolvers know only the first. */
static const char *name_of(const struct tls_url *u)
{
	static const char end[] = ".localhost";
	size_t n = strlen(u->host);

	return n >= sizeof(end) && strcasecmp(u->host + n - strlen(end), end) == 0 ? end + 1
										   : u->host;
}

static int connect_any(const struct tls_url *u, unsigned int connect_ms, uint64_t end_ms,
		       struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	const struct addrinfo *a;
	char port[8];
	uint64_t until;
	int rc;

	(void)str_format(port, sizeof(port), "%u", (unsigned int)u->port);
	rc = getaddrinfo(name_of(u), port, &hints, &list);
	if (rc != 0)
		return err_set(e, -EHOSTUNREACH, "cannot look up the host: %s", gai_strerror(rc));
	rc = err_set(e, -EHOSTUNREACH, "the host has no address");
	for (a = list; a && rc < 0; a = a->ai_next) {
		until = time_mono_ms() + connect_ms;
		rc = connect_one(a, until < end_ms ? until : end_ms, e);
	}
	freeaddrinfo(list);
	return rc;
}

static int make_ctx(const struct tls_call_options *o, struct tls_ctx **ret, struct err *e)
{
	static const enum tls_trust trusts[] = {
		[TLS_CALL_CA] = TLS_TRUST_CA,
		[TLS_CALL_ROOT_KEY] = TLS_TRUST_ROOT_KEY,
		[TLS_CALL_ANYBODY] = TLS_TRUST_ANYBODY,
	};
	const struct tls_ctx_options t = {
		.chain = o->cert,
		.key = o->key,
		.trust = trusts[o->trust],
		.ca = o->ca,
		.root_key = o->root_key,
		.n_root_key = o->n_root_key,
	};

	return tls_ctx_new(&t, ret, e);
}

static int handshake(struct channel *c, struct tls_call_answer *ret, struct err *e)
{
	int rc;

	do {
		rc = tls_handshake(c->tls, e);
		if (rc == 0)
			break;
		rc = wait_for(c, rc, e);
	} while (rc == 0);
	if (rc == 0)
		rc = tls_peer_cert(c->tls, &ret->cert);
	return rc == 0 ? tls_peer_chain(c->tls, &ret->chain, e) : rc;
}

static int meet(struct channel *c, const struct tls_call_options *o, struct tls_call_answer *ret,
		struct err *e)
{
	int rc = handshake(c, ret, e);

	if (rc == 0 && o->on_server)
		rc = o->on_server(ret->cert.p, ret->cert.n, o->arg, e);
	return rc;
}

/* Connect, and prove to each other who we are. */
static int channel_open(struct channel *c, const struct tls_call_options *o,
			struct tls_call_answer *ret, struct err *e)
{
	auto_ctx struct tls_ctx *ctx = NULL;
	struct tls_url u;
	int rc;

	if (o->unix_path) {
		c->fd = connect_unix(o->unix_path, e);
		rc = c->fd < 0 ? c->fd : fd_set_nonblocking(c->fd, true);
		return rc < 0 && c->fd >= 0 ? err_errno(e, -rc, "using a connection") : rc;
	}
	rc = tls_url_parse(o->url, &u, e);
	if (rc == 0 && u.is_tls)
		rc = make_ctx(o, &ctx, e); /* before anybody is bothered */
	if (rc < 0)
		return rc;
	c->fd = connect_any(&u, o->connect_ms ? o->connect_ms : CONNECT_MS, c->end_ms, e);
	if (c->fd < 0 || !u.is_tls)
		return c->fd < 0 ? c->fd : 0;
	c->tls = tls_new(ctx, c->fd, u.host);
	if (!c->tls)
		return err_set(e, ERR_INPUT, "'%s' is not a name that a certificate can have",
			       u.host);
	return meet(c, o, ret, e);
}

/* A server that stops listening may have answered already: only reading decides. */
static int send_request(const struct channel *c, const struct tls_call_options *o, struct err *e)
{
	auto_secret_buf struct buf out = BUF_MAX(0);
	size_t at = 0;
	ssize_t n;
	int rc = secret_buf_init(&out, o->n_body + HTTP_WIRE_HEAD_MAX);

	if (rc == 0)
		rc = http_wire_request(&out, o->method, o->url, o->content_type, o->n_body, e);
	if (rc == 0 && o->bearer)
		rc = http_wire_bearer(&out, o->bearer, e);
	if (rc == 0 && o->n_body)
		rc = buf_add(&out, o->body, o->n_body);
	while (rc == 0 && at < out.n) {
		n = write_some(c, out.p + at, out.n - at, e);
		if (n > 0)
			at += (size_t)n;
		else if (n != TLS_WANT_READ && n != TLS_WANT_WRITE)
			break;
		else
			rc = wait_for(c, (int)n, e);
	}
	return rc;
}

/* The stream has ended.  Over TLS one that lasts to its end must have been ended by the server, not cut off. */
static int end_answer(const struct channel *c, struct http_wire *w, struct err *e)
{
	if (c->tls && w->state == HTTP_WIRE_BODY_TO_END && !tls_is_ended(c->tls))
		return err_set(e, ERR_PROTO, "the answer was cut off");
	return http_wire_end(w, e);
}

static int read_answer(const struct channel *c, const struct tls_call_options *o,
		       struct tls_call_answer *ret, struct err *e)
{
	auto_free struct http_wire *w = xnew(struct http_wire);
	auto_free uint8_t *block = xcalloc(1, READ_BLOCK);
	ssize_t n;
	int rc = ret->body.max <= TLS_CALL_KEPT ? buf_reserve(&ret->body, ret->body.max) : 0;

	w->on_header = o->on_header;
	w->arg = o->arg;
	while (rc == 0) {
		n = read_some(c, block, READ_BLOCK, e);
		if (n > 0)
			rc = http_wire_feed(w, block, (size_t)n, &ret->body, e);
		else
			rc = n == 0 ? end_answer(c, w, e) : wait_for(c, (int)n, e);
	}
	secret_wipe(block, READ_BLOCK);
	if (rc < 0)
		return rc;
	ret->status = w->status;
	(void)str_copy(ret->content_type, sizeof(ret->content_type), w->content_type);
	return 0;
}

/* "https://h:p", for messages. */
static const char *origin_of(const struct tls_call_options *o, char *dst, size_t size)
{
	const char *host = strstr(o->url, "://");
	size_t n = host ? (size_t)(host - o->url) + 3 : 0;

	if (o->unix_path)
		return str_escape(dst, size, o->unix_path, strlen(o->unix_path));
	return str_escape(dst, size, o->url, n + strcspn(o->url + n, "/?#"));
}

int tls_call(const struct tls_call_options *o, struct tls_call_answer *ret, struct err *e)
{
	auto_channel struct channel c = {
		.fd = -1, .end_ms = time_mono_ms() + (o->timeout_ms ? o->timeout_ms : TIMEOUT_MS)
	};
	struct tls_call_answer a = {
		.body = BUF_MAX(o->reply_max ? o->reply_max : reply_max_default),
		.cert = BUF_MAX(TLS_CERTS_MAX),
		.chain = BUF_MAX(CHAIN_MAX),
	};
	char origin[300];
	int rc = channel_open(&c, o, &a, e);

	if (rc == 0)
		rc = send_request(&c, o, e);
	if (rc == 0)
		rc = read_answer(&c, o, &a, e);
	if (rc == 0 && c.tls)
		(void)tls_end(c.tls, NULL); /* a courtesy: the answer is here */
	if (rc < 0) {
		tls_call_answer_deinit(&a);
		return err_wrap(e, rc, "%s", origin_of(o, origin, sizeof(origin)));
	}
	*ret = a;
	return 0;
}

void tls_call_answer_deinit(struct tls_call_answer *a)
{
	secret_buf_deinit(&a->body);
	buf_deinit(&a->cert);
	buf_deinit(&a->chain);
}
