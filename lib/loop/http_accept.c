/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	ACCEPTS_AT_ONCE = 8,
	NO_FD_PAUSE_MS = 100,
};

void http_conn_watch(struct http_conn *c, bool on)
{
	/* no event asked for: hang-up and error are always told, a half-close is not */
	struct epoll_event ev = { .events = EPOLLET, .data = { .ptr = c } };

	if (c->watched == on)
		return;
	c->watched = on;
	(void)epoll_ctl(c->server->gone_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->fd, &ev);
}

void http_conn_progress(struct http_conn *c, size_t n_expected)
{
	c->deadline_ms = http_server_now(c->server) + c->server->o.idle_s * (uint64_t)1000 +
			 n_expected * 1000 / HTTP_BYTES_PER_S;
}

void http_conn_left(struct http_conn *c)
{
	struct http_request *r = c->request;
	void (*gone)(void *arg) = r ? r->gone : NULL;

	http_conn_watch(c, false);
	if (c->stream) {
		http_stream_left(c->stream);
	} else if (gone) {
		r->gone = NULL;
		gone(r->gone_arg);
	}
}

/* libmicrohttpd began or ended a connection. */
void http_conn_notify(void *arg, struct MHD_Connection *mhd, void **context,
		      enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = arg;
	struct http_conn *c = *context;

	(void)mhd;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		c = s->adding;
		s->adding = NULL;
		*context = c;
		LIST_INSERT_HEAD(&s->conns, c, link);
		s->n_conns++;
		s->n_strangers += c->is_stranger;
		http_conn_progress(c, 0);
		http_server_watch_deadlines(s);
		return;
	}
	http_conn_watch(c, false);
	LIST_REMOVE(c, link);
	s->n_conns--;
	s->n_strangers -= c->is_stranger;
	*context = NULL;
	free(c);
}

/* Who the kernel says is there. */
static void identify(struct http_conn *c)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);
	struct ucred cred;

	c->uid = UINT32_MAX;
	c->cid = UINT32_MAX;
	if (getpeername(c->fd, (struct sockaddr *)&sa, &n) < 0)
		return;
	c->from = sa;
	if (sa.ss_family == AF_VSOCK)
		c->cid = ((const struct sockaddr_vm *)&sa)->svm_cid;
	n = sizeof(cred);
	if (sa.ss_family == AF_UNIX && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0)
		c->uid = cred.uid;
}

static unsigned int n_conns_of(const struct http_server *s, uint32_t uid)
{
	const struct http_conn *c;
	unsigned int n = 0;

	LIST_FOREACH(c, &s->conns, link)
		n += c->from.ss_family == AF_UNIX && c->uid == uid;
	return n;
}

/* Has its user, or all strangers together, as many as they may have? */
static bool is_one_too_many(const struct http_server *s, const struct http_conn *c)
{
	unsigned int max = 0;

	if (c->is_stranger)
		return s->n_strangers >= s->o.strangers_max;
	if (c->from.ss_family == AF_UNIX && s->o.conns_max_of)
		max = s->o.conns_max_of(c->uid, s->o.arg);
	return max > 0 && n_conns_of(s, c->uid) >= max;
}

static int add(struct http_server *s, int fd, const void *peer, size_t n, struct err *e)
{
	struct http_conn *c = xcalloc(1, sizeof(*c) + n);

	c->server = s;
	c->fd = fd;
	c->n_peer = n;
	if (n)
		memcpy(c->peer, peer, n);
	identify(c);
	c->is_stranger =
		c->from.ss_family == AF_UNIX && s->o.is_known && !s->o.is_known(c->uid, s->o.arg);
	if (is_one_too_many(s, c)) {
		(void)fd_close(fd);
		free(c);
		s->n_refused++;
		return err_set(e, ERR_LIMIT, "this user has too many connections already");
	}
	s->adding = c;
	/* takes the fd over, also when it fails */
	(void)MHD_add_connection(s->mhd, fd, (const struct sockaddr *)&c->from, sizeof(c->from));
	if (!s->adding)
		return 0;
	free(c);
	s->adding = NULL;
	return err_set(e, -ENOMEM, "no room for another connection");
}

int http_server_add(struct http_server *s, int fd, const void *peer, size_t n, struct err *e)
{
	int rc;

	if (s->is_stopping || s->n_conns >= s->o.conns_max) {
		(void)fd_close(fd);
		s->n_refused++;
		return err_set(e, ERR_LIMIT, "already %u connections", s->n_conns);
	}
	rc = fd_set_nonblocking(fd, true);
	if (rc < 0) {
		(void)fd_close(fd);
		return err_errno(e, -rc, "adding a connection");
	}
	rc = add(s, fd, peer, n, e);
	http_server_wake(s);
	return rc;
}

static void on_connection(uv_poll_t *p, int status, int events)
{
	struct http_listener *l = p->data;
	struct http_server *s = l->server;
	uint64_t since = http_server_cpu_us();
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_AT_ONCE && s->n_conns < s->o.conns_max; i++) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			(void)add(s, fd, l->peer, l->n_peer, NULL);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			log_warn("http: cannot accept: %s; trying again", err_name(-errno));
			s->accept_after_ms = http_server_now(s) + NO_FD_PAUSE_MS;
		}
		break;
	}
	rate_share_spend(&s->share, http_server_cpu_us() - since, http_server_now(s));
	http_server_wake(s);
	http_server_plan(s);
}

void http_listeners_plan(struct http_server *s, bool may_accept)
{
	struct http_listener *l;

	LIST_FOREACH(l, &s->listeners, link) {
		if (l->polling == may_accept)
			continue;
		l->polling = may_accept;
		if (may_accept)
			(void)uv_poll_start(&l->poll, UV_READABLE, on_connection);
		else
			(void)uv_poll_stop(&l->poll);
	}
}

int http_server_listen(struct http_server *s, int fd, const void *peer, size_t n, struct err *e)
{
	struct http_listener *l = xcalloc(1, sizeof(*l) + n);
	int rc = fd_set_nonblocking(fd, true);

	if (rc == 0)
		rc = uv_poll_init(s->loop, &l->poll, fd);
	if (rc < 0) {
		(void)fd_close(fd);
		free(l);
		return err_set(e, rc, "listening: %s", uv_strerror(rc));
	}
	l->poll.data = l;
	l->server = s;
	l->fd = fd;
	l->n_peer = n;
	if (n)
		memcpy(l->peer, peer, n);
	s->n_handles++;
	LIST_INSERT_HEAD(&s->listeners, l, link);
	http_server_plan(s);
	return 0;
}

static void on_listener_closed(uv_handle_t *h)
{
	struct http_listener *l = h->data;
	struct http_server *s = l->server;

	LIST_REMOVE(l, link);
	free(l);
	http_server_handle_closed(s);
}

void http_listeners_close(struct http_server *s)
{
	struct http_listener *l;

	LIST_FOREACH(l, &s->listeners, link) {
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		/* now: who listens at the same name next must not find it served */
		l->fd = fd_close(l->fd);
	}
}
