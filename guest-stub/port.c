/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/port.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "loop/http_server.h"

enum {
	ACCEPTS_AT_ONCE = 8,
	TICK_MS = 1000,
	TLS_HANDSHAKE =
		0x16, /* the type of a TLS client's first record; no HTTP method begins so */
};

struct port_client {
	TAILQ_ENTRY(port_client) link;
	struct port *port;
	uv_poll_t poll;
	int fd; /* -1: given away or closed */
	uint64_t until;
};

static void on_client_closed(uv_handle_t *h)
{
	free(h->data);
}

/* It waits no longer.  What is still its socket is closed. */
static void client_close(struct port_client *c)
{
	struct port *p = c->port;

	TAILQ_REMOVE(&p->waiting, c, link);
	if (--p->n_waiting == 0)
		(void)uv_timer_stop(&p->timer);
	uv_close((uv_handle_t *)&c->poll, on_client_closed); /* lets go of the fd at once */
	c->fd = fd_close(c->fd);
}

static void on_tick(uv_timer_t *t)
{
	struct port *p = t->data;
	struct port_client *c;
	uint64_t now = time_mono_ms();

	while ((c = TAILQ_FIRST(&p->waiting)) && c->until <= now)
		client_close(c);
}

static void give(struct port_client *c, struct http_server *to)
{
	int fd = steal_fd(&c->fd);

	client_close(c);
	(void)http_server_add(to, fd, NULL, 0, NULL); /* over a limit it is closed */
}

static void on_first_byte(uv_poll_t *poll, int status, int events)
{
	struct port_client *c = poll->data;
	uint8_t first = 0;
	ssize_t n;

	(void)events;
	n = status < 0 ? 0 : recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		client_close(c);
	else
		give(c,
		     first == TLS_HANDSHAKE && c->port->secure ? c->port->secure : c->port->plain);
}

static void wait_for(struct port *p, int fd)
{
	struct port_client *c = xnew(struct port_client);

	if (p->n_waiting >= PORT_WAITING_MAX)
		client_close(TAILQ_FIRST(&p->waiting));
	c->port = p;
	c->fd = fd;
	c->until = time_mono_ms() + PORT_FIRST_BYTE_MS;
	c->poll.data = c;
	if (uv_poll_init(p->listening.loop, &c->poll, fd) < 0) {
		(void)fd_close(fd);
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&p->waiting, c, link);
	if (p->n_waiting++ == 0)
		(void)uv_timer_start(&p->timer, on_tick, TICK_MS, TICK_MS);
	(void)uv_poll_start(&c->poll, UV_READABLE, on_first_byte);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct port *p = poll->data;
	int i, fd = 0;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_AT_ONCE; i++) {
		fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		wait_for(p, fd);
	}
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !TAILQ_EMPTY(&p->waiting))
		client_close(TAILQ_FIRST(&p->waiting)); /* room for who may say something */
}

int port_start(struct port *p, uv_loop_t *loop, int fd, struct http_server *plain, struct err *e)
{
	int r;

	*p = (struct port){ .plain = plain, .fd = fd };
	TAILQ_INIT(&p->waiting);
	(void)uv_timer_init(loop, &p->timer);
	p->timer.data = p;
	r = fd_set_nonblocking(fd, true);
	if (r == 0)
		r = uv_poll_init(loop, &p->listening, fd);
	if (r < 0) {
		p->fd = fd_close(fd);
		return err_set(e, r, "listening: %s", uv_strerror(r));
	}
	p->listening.data = p;
	(void)uv_poll_start(&p->listening, UV_READABLE, on_connection);
	return 0;
}

void port_stop(struct port *p)
{
	while (!TAILQ_EMPTY(&p->waiting))
		client_close(TAILQ_FIRST(&p->waiting));
	uv_close((uv_handle_t *)&p->timer, NULL);
	uv_close((uv_handle_t *)&p->listening, NULL);
	p->fd = fd_close(p->fd);
}
