/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/tls_front_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/tls.h"

enum {
	CONNS_MAX = 256,
	HANDSHAKE_MS = 5000,
	IDLE_MS = 60 * 1000,
	ACCEPTS_AT_ONCE = 8,
	NO_FD_PAUSE_MS = 100,
	PREFIX_6 = 8,	 /* bytes of an IPv6 address that are one client's */
	QUIET_MS = 1000, /* after an answer: it may be only a part of one before */
};

static int make_ctx(const char *chain, const char *key, const char *client_ca, struct tls_ctx **ret,
		    struct err *e)
{
	const struct tls_ctx_options o = {
		.is_server = true,
		.chain = chain,
		.key = key,
		.trust = client_ca ? TLS_TRUST_CA : TLS_TRUST_NOBODY,
		.ca = client_ca,
	};

	return tls_ctx_new(&o, ret, e);
}

int tls_front_start(struct tls_front **ret, uv_loop_t *loop, const struct tls_front_options *o,
		    struct err *e)
{
	struct tls_front *f = xnew(struct tls_front);
	int rc = make_ctx(o->chain, o->key, o->client_ca, &f->ctx, e);

	if (rc < 0) {
		free(f);
		return rc;
	}
	f->loop = loop;
	f->o = *o;
	f->o.chain = f->o.key = f->o.client_ca = NULL;
	f->o.conns_max = o->conns_max ? o->conns_max : CONNS_MAX;
	f->o.handshake_ms = o->handshake_ms ? o->handshake_ms : HANDSHAKE_MS;
	f->o.idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS;
	LIST_INIT(&f->listeners);
	LIST_INIT(&f->conns);
	(void)uv_timer_init(loop, &f->again);
	f->again.data = f;
	f->n_handles = 1;
	*ret = f;
	return 0;
}

/* Is @b the same client as @a, as far as limits go? */
static bool is_same_client(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	if (a->ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&a6->sin6_addr) && IN6_IS_ADDR_V4MAPPED(&b6->sin6_addr))
		return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, PREFIX_6) == 0;
}

static bool is_one_too_many(const struct tls_front *f, const struct sockaddr_storage *from)
{
	const struct tls_conn *c;
	unsigned int n = 0;

	if (!f->o.ip_conns_max)
		return false;
	LIST_FOREACH(c, &f->conns, link)
		n += is_same_client(&c->from, from);
	return n >= f->o.ip_conns_max;
}

/* Who asks for nothing: in its handshake, after it, or since it was answered. */
static bool gives_way(const struct tls_front *f, const struct tls_conn *c)
{
	if (uv_is_closing((const uv_handle_t *)&c->timer))
		return false;
	if (c->phase != TLS_RELAY)
		return c->phase == TLS_HANDSHAKE;
	return !c->relay->has_asked ||
	       (c->relay->is_answered && uv_now(f->loop) - c->moved_ms >= QUIET_MS);
}

/*
 * Is there a place, if need be that of whoever has said nothing for the longest?  It costs little to connect, also with
 * a handshake: who does so and asks for nothing keeps nobody out who goes on to speak.
 */
static bool make_room(const struct tls_front *f)
{
	struct tls_conn *c, *oldest = NULL;

	if (f->counts.conns < f->o.conns_max)
		return true;
	LIST_FOREACH(c, &f->conns, link) { /* the newest is the first */
		if (gives_way(f, c) && (!oldest || c->moved_ms <= oldest->moved_ms))
			oldest = c;
	}
	if (oldest)
		tls_conn_close(oldest); /* it is counted until the loop comes round */
	return oldest;
}

static int add(struct tls_front *f, int fd, const struct sockaddr_storage *from, struct err *e)
{
	if (f->is_stopping || is_one_too_many(f, from) || !make_room(f)) {
		(void)fd_close(fd);
		f->counts.refused++;
		return err_set(e, ERR_LIMIT, "too many TLS connections");
	}
	f->counts.accepted++;
	return tls_conn_start(f, fd, from, e);
}

int tls_front_add(struct tls_front *f, int fd, struct err *e)
{
	struct sockaddr_storage from = { 0 };
	socklen_t n = sizeof(from);
	int rc = fd_set_nonblocking(fd, true);

	if (rc < 0) {
		(void)fd_close(fd);
		return err_errno(e, -rc, "serving a client");
	}
	(void)getpeername(fd, (struct sockaddr *)&from, &n);
	return add(f, fd, &from, e);
}

static void on_connection(uv_poll_t *p, int status, int events);

static void listen_all(struct tls_front *f, bool on)
{
	struct tls_listener *l;

	LIST_FOREACH(l, &f->listeners, link) {
		if (uv_is_closing((uv_handle_t *)&l->poll))
			continue;
		if (on)
			(void)uv_poll_start(&l->poll, UV_READABLE, on_connection);
		else
			(void)uv_poll_stop(&l->poll);
	}
}

static void on_again(uv_timer_t *t)
{
	listen_all(t->data, true);
}

static void on_connection(uv_poll_t *p, int status, int events)
{
	struct tls_listener *l = p->data;
	struct tls_front *f = l->front;
	struct sockaddr_storage from;
	socklen_t n;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_AT_ONCE; i++) {
		memset(&from, 0, sizeof(from));
		n = sizeof(from);
		fd = accept4(l->fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			(void)add(f, fd, &from, NULL);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warn("tls: cannot accept: %s; trying again", err_name(-errno));
			listen_all(f, false);
			(void)uv_timer_start(&f->again, on_again, NO_FD_PAUSE_MS, 0);
		}
		break;
	}
}

int tls_front_listen(struct tls_front *f, int fd, struct err *e)
{
	struct tls_listener *l = xnew(struct tls_listener);
	int rc = f->is_stopping ? UV_ECANCELED : fd_set_nonblocking(fd, true);

	if (rc == 0)
		rc = uv_poll_init(f->loop, &l->poll, fd);
	if (rc < 0) {
		(void)fd_close(fd);
		free(l);
		return err_set(e, rc, "listening: %s", uv_strerror(rc));
	}
	l->poll.data = l;
	l->front = f;
	l->fd = fd;
	f->n_handles++;
	LIST_INSERT_HEAD(&f->listeners, l, link);
	(void)uv_poll_start(&l->poll, UV_READABLE, on_connection);
	return 0;
}

int tls_front_swap(struct tls_front *f, const char *chain, const char *key, const char *client_ca,
		   struct err *e)
{
	struct tls_ctx *ctx;
	int rc = make_ctx(chain, key, client_ca, &ctx, e);

	if (rc < 0)
		return rc;
	tls_ctx_unref(f->ctx);
	f->ctx = ctx;
	return 0;
}

void tls_front_release(struct tls_front *f)
{
	if (f->n_handles > 0 || !LIST_EMPTY(&f->conns))
		return;
	tls_ctx_unref(f->ctx);
	if (f->done)
		f->done(f->done_arg);
	free(f);
}

static void on_listener_closed(uv_handle_t *h)
{
	struct tls_listener *l = h->data;
	struct tls_front *f = l->front;

	LIST_REMOVE(l, link);
	free(l);
	f->n_handles--;
	tls_front_release(f);
}

static void on_timer_closed(uv_handle_t *h)
{
	struct tls_front *f = h->data;

	f->n_handles--;
	tls_front_release(f);
}

void tls_front_stop(struct tls_front *f, void (*done)(void *arg), void *arg)
{
	struct tls_listener *l;
	struct tls_conn *c;

	if (!f || f->is_stopping)
		return;
	f->is_stopping = true;
	f->done = done;
	f->done_arg = arg;
	LIST_FOREACH(l, &f->listeners, link) {
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		l->fd = fd_close(l->fd); /* now: who listens there next must not find it served */
	}
	LIST_FOREACH(c, &f->conns, link)
		tls_conn_close(c);
	uv_close((uv_handle_t *)&f->again, on_timer_closed);
}

void tls_front_count(const struct tls_front *f, struct tls_front_counts *ret)
{
	*ret = f->counts;
}
