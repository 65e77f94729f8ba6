/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime: a connection that dies closes its sockets at once and goes to the worker's list of dead ones; events of the
 * same turn may still name it, find CONN_DEAD, and are dropped.  After the turn it is free for the next client, with
 * another generation, which is what a late answer of DNS is held to.
 */
#include "gateway/conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "gateway/conn_parts.h"
#include "gateway/load.h"
#include "gateway/world.h"

enum { NEW_AT_ONCE = 16 };

static const struct gw_config *config_of(const struct conn *c)
{
	return c->worker->world->config;
}

/* When it is to be looked at: the limit of its state, or of its silence, or of its life. */
static uint64_t due_ms(const struct conn *c)
{
	const struct gw_config *g = config_of(c);
	uint64_t due = c->deadline_ms ? c->deadline_ms : c->progress_ms + g->idle_ms;

	if (g->total_ms && c->start_ms + g->total_ms < due)
		due = c->start_ms + g->total_ms;
	return due;
}

void conn_set_state(struct conn *c, enum conn_state s, uint64_t limit_ms)
{
	c->state = (uint8_t)s;
	c->deadline_ms = limit_ms ? c->worker->now_ms + limit_ms : 0;
	wheel_set(&c->worker->wheel, &c->node, due_ms(c));
}

void conn_again(struct conn *c)
{
	if (c->is_ready_listed)
		return;
	c->is_ready_listed = true;
	c->next = c->worker->ready;
	c->worker->ready = c;
}

static void enter_half_open(struct conn *c)
{
	struct worker *w = c->worker;

	c->is_half_open = true;
	c->half_prev = w->newest_half_open;
	c->half_next = NULL;
	*(w->newest_half_open ? &w->newest_half_open->half_next : &w->oldest_half_open) = c;
	w->newest_half_open = c;
	w->n_half_open++;
	gw_count(&w->counters.half_open, 1);
}

bool conn_not_half_open(struct conn *c)
{
	struct worker *w = c->worker;

	if (!c->is_half_open)
		return true;
	c->is_half_open = false;
	*(c->half_prev ? &c->half_prev->half_next : &w->oldest_half_open) = c->half_next;
	*(c->half_next ? &c->half_next->half_prev : &w->newest_half_open) = c->half_prev;
	w->n_half_open--;
	gw_uncount(&w->counters.half_open);
	return true;
}

/* New ones come in handfuls that are neighbours in memory. */
static struct conn *take(struct worker *w)
{
	struct conn *c = w->free_conns;
	int i;

	if (!c) {
		struct conn *block = calloc(NEW_AT_ONCE, sizeof(*block));

		if (!block)
			return NULL;
		for (i = 0; i < NEW_AT_ONCE; i++) {
			block[i].state = CONN_DEAD;
			block[i].next = w->free_conns;
			w->free_conns = &block[i];
		}
		block[0].is_block = true;
		c = w->free_conns;
	}
	w->free_conns = c->next;
	return c;
}

static bool watch(struct worker *w, struct conn *c, enum conn_side side)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

	ev.data.u64 = (uint64_t)(uintptr_t)c | (side == APP);
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->sides[side].fd, &ev) == 0;
}

bool conn_watch_app(struct conn *c)
{
	return watch(c->worker, c, APP);
}

/* IPv4 as IPv6 writes it, so that there is one form. */
static void set_from(struct sockaddr_in6 *to, const struct sockaddr *from)
{
	const struct sockaddr_in *in = (const void *)from;

	if (from->sa_family == AF_INET6) {
		memcpy(to, from, sizeof(*to));
		return;
	}
	*to = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = in->sin_port };
	to->sin6_addr.s6_addr[10] = to->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&to->sin6_addr.s6_addr[12], &in->sin_addr, 4);
}

static bool must_be_proxied(const struct gw_config *g, const struct sockaddr *from)
{
	size_t i;

	for (i = 0; i < g->n_proxy_from; i++) {
		if (gw_network_has(&g->proxy_from[i], from))
			return true;
	}
	return false;
}

static struct conn *begin(struct worker *w, int fd, const struct sockaddr *from)
{
	struct conn *c = take(w);
	uint32_t generation;
	bool is_block;

	if (!c)
		return NULL;
	generation = c->generation + 1;
	is_block = c->is_block;
	memset(c, 0, sizeof(*c));
	c->worker = w;
	c->generation = generation;
	c->is_block = is_block;
	c->start_ms = c->progress_ms = w->now_ms;
	c->sides[CLIENT] = (struct conn_end){ .fd = fd, .is_readable = true, .is_writable = true };
	c->sides[APP].fd = -1;
	c->domain = -1;
	set_from(&c->from, from);
	return c;
}

/* The most that this worker may have: its part of the limit, so that no count is shared for it. */
static bool is_crowded(const struct worker *w)
{
	return w->n_half_open > w->world->config->most_half_open / w->world->config->workers;
}

void conn_accept(struct worker *w, int fd, const struct sockaddr *from)
{
	const struct gw_config *g = w->world->config;
	bool is_proxied = must_be_proxied(g, from);
	struct conn *c;

	gw_count(&w->counters.accepted, 1);
	if (w->n_conns >= g->most_conns / g->workers + 1) {
		gw_count(&w->counters.ended[GW_END_FULL], 1);
		(void)close(fd);
		return;
	}
	/* whoever stands behind a load balancer has its address: there is nothing to count by yet */
	if (w->rate && !is_proxied && !rate_table_take(w->rate, from, w->now_ms)) {
		gw_count(&w->counters.ended[GW_END_RATE], 1);
		(void)close(fd);
		return;
	}
	c = begin(w, fd, from);
	if (!c) {
		gw_count(&w->counters.ended[GW_END_NO_MEMORY], 1);
		(void)close(fd);
		return;
	}
	w->n_conns++;
	gw_count(&w->counters.conns, 1);
	enter_half_open(c);
	if (is_proxied)
		conn_set_state(c, CONN_PROXY_HEADER, g->proxy_header_ms);
	else
		conn_set_state(c, CONN_HELLO, g->hello_ms);
	if (!watch(w, c, CLIENT)) {
		(void)conn_die(c, GW_END_NO_MEMORY);
		return;
	}
	if (is_crowded(w))
		conn_kill(w->oldest_half_open, GW_END_HALF_OPEN);
	if (c->state != CONN_DEAD)
		conn_advance(c); /* what it says is often there already */
}

void conn_leave_loads(struct conn *c)
{
	if (c->instance) {
		load_leave(c->instance);
		load_unref(c->instance);
		c->instance = NULL;
	}
}

void conn_close_app(struct conn *c)
{
	struct conn_end *s = &c->sides[APP];

	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	s->is_readable = s->is_writable = s->has_hung_up = false;
}

static void drop_waiting(struct conn *c)
{
	int i;

	for (i = 0; i < SIDES; i++) {
		chunk_give(&c->worker->chunks, c->sides[i].pending);
		c->sides[i].pending = NULL;
		pipe_give(&c->worker->pipes, c->sides[i].pipe);
		c->sides[i].pipe = NULL;
	}
}

bool conn_die(struct conn *c, enum gw_end end)
{
	struct worker *w = c->worker;

	assert(c->state != CONN_DEAD);
	conn_log(c, end);
	(void)conn_not_half_open(c);
	wheel_remove(&w->wheel, &c->node);
	drop_waiting(c);
	conn_close_app(c);
	(void)close(c->sides[CLIENT].fd);
	tls_gate_free(c->tls);
	conn_leave_loads(c);
	if (c->is_counted)
		load_leave(c->app);
	load_unref(c->app);
	load_unref(c->asked);
	free(c->header);
	free(c->host);
	free(c->answer);
	if (w->wire_of == c) {
		w->wire_of = NULL;
		w->wire.n_in = 0;
	}
	w->wire.n_out = 0;
	c->tls = NULL;
	c->state = CONN_DEAD;
	w->n_conns--;
	gw_uncount(&w->counters.conns);
	if (!c->is_ready_listed) { /* else it is found dead there */
		c->next = w->dead_conns;
		w->dead_conns = c;
	}
	return false;
}

void conn_kill(struct conn *c, enum gw_end end)
{
	(void)conn_die(c, end);
}

void conn_event(struct conn *c, enum conn_side side, uint32_t events)
{
	struct conn_end *s = &c->sides[side];

	if (c->state == CONN_DEAD || s->fd < 0)
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		s->is_readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		s->is_writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->has_hung_up = true;
	conn_advance(c);
}

void conn_advance(struct conn *c)
{
	switch ((enum conn_state)c->state) {
	case CONN_PROXY_HEADER:
	case CONN_HELLO:
		(void)conn_advance_hello(c);
		break;
	case CONN_RESOLVE:
	case CONN_DEAD:
		break;
	case CONN_HANDSHAKE:
		(void)conn_advance_handshake(c);
		break;
	case CONN_CONNECT:
		(void)conn_advance_connect(c);
		break;
	case CONN_RELAY:
		(void)conn_relay(c);
		break;
	case CONN_REQUEST:
		(void)conn_advance_request(c);
		break;
	case CONN_LINGER:
		(void)conn_advance_linger(c);
		break;
	}
}

static void expire(struct conn *c)
{
	bool is_silent = c->worker->now_ms >= c->progress_ms + config_of(c)->idle_ms;

	switch ((enum conn_state)c->state) {
	case CONN_PROXY_HEADER:
	case CONN_HELLO:
		(void)conn_finish(c, GW_END_HELLO_TIMEOUT);
		break;
	case CONN_RESOLVE:
		(void)conn_refuse(c, GW_END_UNKNOWN_DOMAIN, 112);
		break;
	case CONN_HANDSHAKE:
		(void)conn_finish(c, GW_END_HANDSHAKE_TIMEOUT);
		break;
	case CONN_CONNECT:
		(void)conn_connect_expired(c);
		break;
	case CONN_RELAY:
		(void)conn_finish(c, is_silent ? GW_END_IDLE : GW_END_TOTAL);
		break;
	case CONN_REQUEST:
		(void)conn_finish(c, (enum gw_end)c->end);
		break;
	case CONN_LINGER:
		(void)conn_die(c, (enum gw_end)c->end);
		break;
	case CONN_DEAD:
		break;
	}
}

void conn_check_time(struct conn *c)
{
	uint64_t due = due_ms(c);

	if (due > c->worker->now_ms)
		wheel_set(&c->worker->wheel, &c->node, due);
	else
		expire(c);
}
