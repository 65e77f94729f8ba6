/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client goes through three phases: its handshake, by a deadline that no byte moves; the relay, which ends when it
 * is idle or, once its app has gone, by a deadline again; and a short while in which what it still sends is
 * read and dropped, as a socket that is closed with bytes unread resets the connection and takes our last
 * words (an alert, the end of an answer) with it.
 *
 * libuv tells hang-ups only to who waits for something, so UV_PRIORITIZED is waited for where nothing else is.
 */
#include "loop/tls_front_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/tls.h"

enum {
	LINGER_MS = 2000,
	LINGER_READS = 16,
	PAIR_BUFFER = 64 * 1024, /* of each end; the kernel doubles it for its own books */
};

static void step(struct tls_conn *c);

static void on_closed(uv_handle_t *h)
{
	struct tls_conn *c = h->data;
	struct tls_front *f = c->front;

	if (--c->n_handles > 0)
		return;
	LIST_REMOVE(c, link);
	f->counts.conns--;
	tls_free(c->tls);
	if (c->relay)
		secret_wipe(c->relay, sizeof(*c->relay)); /* keys may have gone through */
	free(c->relay);
	free(c);
	tls_front_release(f);
}

static void close_once(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static bool is_closing(const struct tls_conn *c)
{
	return uv_is_closing((const uv_handle_t *)&c->timer);
}

void tls_conn_close(struct tls_conn *c)
{
	if (is_closing(c))
		return;
	if (c->phase == TLS_HANDSHAKE)
		c->front->counts.handshaking--;
	close_once((uv_handle_t *)&c->net);
	close_once((uv_handle_t *)&c->timer);
	if (c->has_app)
		close_once((uv_handle_t *)&c->app);
	c->net_fd = fd_close(c->net_fd);
	c->app_fd = fd_close(c->app_fd);
}

/* Something happened at one of the sockets, or went wrong with it, which the next step finds out. */
static void on_net(uv_poll_t *p, int status, int events)
{
	struct tls_conn *c = p->data;

	if (status < 0 || (events & UV_PRIORITIZED)) {
		tls_conn_close(c); /* reset, or out-of-band data, which TLS does not have */
		return;
	}
	step(c);
}

static void on_app(uv_poll_t *p, int status, int events)
{
	struct tls_conn *c = p->data;

	(void)events;
	if (status < 0) {
		c->app_armed = 0; /* libuv stopped it */
		c->relay->is_app_gone = true;
	}
	step(c);
}

static void arm(uv_poll_t *p, int *armed, int events, uv_poll_cb cb)
{
	if (*armed == events)
		return;
	*armed = events;
	if (events)
		(void)uv_poll_start(p, events, cb);
	else
		(void)uv_poll_stop(p);
}

static void on_timer(uv_timer_t *t);

/* When the next deadline is due. */
static void plan(struct tls_conn *c)
{
	uint64_t now = uv_now(c->front->loop), due = c->end_ms;

	if (c->phase == TLS_RELAY && (due == 0 || c->moved_ms + c->front->o.idle_ms < due))
		due = c->moved_ms + c->front->o.idle_ms;
	(void)uv_timer_start(&c->timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_timer(uv_timer_t *t)
{
	struct tls_conn *c = t->data;
	uint64_t now = uv_now(c->front->loop);

	if (c->phase == TLS_HANDSHAKE)
		c->front->counts.late++;
	if ((c->end_ms && now >= c->end_ms) || now >= c->moved_ms + c->front->o.idle_ms)
		tls_conn_close(c);
	else
		plan(c); /* bytes have moved since */
}

/* Nothing more is said to the client. */
static void linger(struct tls_conn *c)
{
	c->phase = TLS_LINGER;
	c->end_ms = uv_now(c->front->loop) + LINGER_MS;
	(void)shutdown(c->net_fd, SHUT_WR);
	if (c->has_app)
		arm(&c->app, &c->app_armed, 0, on_app);
	arm(&c->net, &c->net_armed, UV_READABLE, on_net);
	plan(c);
}

static void step_linger(struct tls_conn *c)
{
	char waste[4096];
	ssize_t n = 1;
	int i;

	for (i = 0; i < LINGER_READS && n > 0; i++)
		n = recv(c->net_fd, waste, sizeof(waste), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		tls_conn_close(c);
}

static void step_relay(struct tls_conn *c)
{
	struct tls_relay *r = c->relay;
	int rc = tls_relay_step(r, c->tls, c->net_fd, c->app_fd);

	if (r->moved)
		c->moved_ms = uv_now(c->front->loop);
	r->moved = false;
	if (rc != 0) {
		tls_conn_close(c);
		return;
	}
	if (r->is_app_gone && r->down.is_over) {
		linger(c);
		return;
	}
	if (r->is_app_gone && !c->end_ms) {
		c->end_ms = uv_now(c->front->loop) + c->front->o.idle_ms;
		plan(c);
	}
	arm(&c->net, &c->net_armed, r->net ? r->net : UV_PRIORITIZED, on_net);
	if (r->is_app_gone)
		arm(&c->app, &c->app_armed, 0, on_app);
	else
		arm(&c->app, &c->app_armed, r->app ? r->app : UV_PRIORITIZED, on_app);
}

/* Who it is, in one block. */
static struct tls_peer *peer_of(const struct tls_conn *c)
{
	auto_buf struct buf cert = BUF_MAX(TLS_CERTS_MAX);
	struct tls_peer *p;

	if (tls_peer_cert(c->tls, &cert) < 0)
		return NULL;
	p = xcalloc(1, sizeof(*p) + cert.n);
	p->from = c->from;
	(void)str_copy(p->server_name, sizeof(p->server_name), tls_server_name(c->tls));
	p->n_cert = cert.n;
	if (cert.n)
		memcpy(p->cert, cert.p, cert.n);
	return p;
}

/* Two ends of plain text, ours watched.  Return: the other, or negative. */
static int make_pair(struct tls_conn *c)
{
	static const int size = PAIR_BUFFER;
	int pair[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	for (i = 0; i < 2; i++)
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (uv_poll_init(c->front->loop, &c->app, pair[0]) < 0) {
		(void)fd_close(pair[0]);
		(void)fd_close(pair[1]);
		return -ENOMEM;
	}
	c->app.data = c;
	c->app_fd = pair[0];
	c->has_app = true;
	c->n_handles++;
	return pair[1];
}

/* The handshake is done: hand the client out. */
static void hand_out(struct tls_conn *c)
{
	struct tls_front *f = c->front;
	auto_free struct tls_peer *peer = peer_of(c);
	int fd = peer ? make_pair(c) : -ENOMEM;

	if (fd < 0) {
		log_warn("tls: no room for another client: %s", err_name(fd));
		f->counts.failed++;
		tls_conn_close(c);
		return;
	}
	c->phase = TLS_RELAY;
	c->relay = xnew(struct tls_relay);
	c->end_ms = 0;
	c->moved_ms = uv_now(f->loop);
	f->counts.handshaking--;
	f->counts.done++;
	plan(c);
	f->o.on_client(fd, peer, f->o.arg);
	if (!is_closing(c)) /* tls_front_stop() in it */
		step_relay(c);
}

static void step_handshake(struct tls_conn *c)
{
	struct err e = ERR_NONE;
	int rc = tls_handshake(c->tls, &e);

	if (rc == 0) {
		hand_out(c);
	} else if (rc == TLS_WANT_READ || rc == TLS_WANT_WRITE) {
		arm(&c->net, &c->net_armed, rc == TLS_WANT_READ ? UV_READABLE : UV_WRITABLE,
		    on_net);
	} else {
		log_debug("tls: a handshake failed: %s", e.text);
		c->front->counts.failed++;
		c->front->counts.handshaking--;
		linger(c); /* its alert must arrive */
	}
}

static void step(struct tls_conn *c)
{
	if (c->phase == TLS_HANDSHAKE)
		step_handshake(c);
	else if (c->phase == TLS_RELAY)
		step_relay(c);
	else
		step_linger(c);
}

int tls_conn_start(struct tls_front *f, int fd, const struct sockaddr_storage *from, struct err *e)
{
	struct tls_conn *c = xnew(struct tls_conn);
	int rc = uv_poll_init(f->loop, &c->net, fd), yes = 1;

	if (rc < 0) {
		(void)fd_close(fd);
		free(c);
		return err_set(e, rc, "serving a client: %s", uv_strerror(rc));
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)); /* not on unix sockets */
	c->front = f;
	c->net.data = c;
	c->net_fd = fd;
	c->app_fd = -1;
	c->from = *from;
	(void)uv_timer_init(f->loop, &c->timer);
	c->timer.data = c;
	c->n_handles = 2;
	LIST_INSERT_HEAD(&f->conns, c, link);
	f->counts.conns++;
	f->counts.handshaking++;
	c->tls = tls_new(f->ctx, fd, NULL);
	c->moved_ms = uv_now(f->loop);
	c->end_ms = c->moved_ms + f->o.handshake_ms;
	plan(c);
	arm(&c->net, &c->net_armed, UV_READABLE, on_net);
	return 0;
}
