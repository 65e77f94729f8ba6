/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choose an instance and connect to it; if that fails, or takes too long while there are others, choose again.
 *
 * Among those that may be chosen (ready, the port is open) the one with the fewest connections is taken: of all if they
 * are few, else of two at random, which is nearly as even and looks at two only.  Who rests after a failure is taken
 * only if all others do; whose tunnel is silent, only if there is nobody else.
 *
 * A gateway that was just started has peers whose endpoints it learns when they come back: the kernel says at once that such a
 * one is unreachable.  Then a client waits with us, as long as it would for a connect, and all are tried again now and then.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/num.h"
#include "gateway/conn_parts.h"
#include "gateway/load.h"
#include "gateway/routes.h"
#include "gateway/world.h"

enum { AGAIN_MS = 250, ATTEMPTS_MAX = 3, FEW = 8, SAMPLES = 2, TRIES = 12 };

static uint32_t next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 17;
	w->random ^= w->random << 5;
	return w->random;
}

struct choice {
	const struct route_target *best;
	uint32_t conns, badness;
};

enum { BAD_RESTS = 1, BAD_DOUBTED = 2 };

/* Is it better than the best so far? */
static void consider(const struct conn *c, const struct route_target *t, bool is_asked,
		     struct choice *ch)
{
	uint32_t conns, badness;
	bool wants_header;

	if ((!t->is_ready && !is_asked) || !route_policy_allows(t->policy, c->port, &wants_header))
		return;
	badness = t->is_doubted ? BAD_DOUBTED : 0;
	if ((t->load == c->instance && c->attempts > 0) ||
	    load_is_resting(t->load, c->port, c->worker->now_ms))
		badness |= BAD_RESTS;
	conns = atomic_load_explicit(&t->load->conns, memory_order_relaxed);
	if (ch->best && (ch->badness < badness || (ch->badness == badness && ch->conns <= conns)))
		return;
	*ch = (struct choice){ .best = t, .conns = conns, .badness = badness };
}

static const struct route_target *choose(struct conn *c, const struct route_app *app)
{
	struct choice ch = { .best = NULL };
	bool is_asked = c->asked != c->app;
	uint32_t start = next_random(c->worker), i, good;

	if (app->n > FEW) {
		for (i = 0, good = 0; i < TRIES && good < SAMPLES; i++) {
			const struct route_target *before = ch.best;

			consider(c, &app->targets[next_random(c->worker) % app->n], is_asked, &ch);
			good += ch.best != NULL && (ch.best != before || before);
		}
		if (ch.best && !ch.badness)
			return ch.best;
	}
	for (i = 0; i < app->n; i++)
		consider(c, &app->targets[(start + i) % app->n], is_asked, &ch);
	return ch.best;
}

static socklen_t address_of(const struct route_target *t, uint16_t port, struct sockaddr_in6 *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (!t->is_v6) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, t->address, 4);
		return sizeof(*in);
	}
	ret->sin6_family = AF_INET6;
	ret->sin6_port = htons(port);
	memcpy(&ret->sin6_addr, t->address, 16);
	return sizeof(*ret);
}

/* Return: 0: it is under way; an errno. */
static int attempt(struct conn *c, const struct route_target *t)
{
	struct conn_end *s = &c->sides[APP];
	struct sockaddr_in6 to;
	socklen_t n = address_of(t, c->port, &to);
	int one = 1;

	(void)route_policy_allows(t->policy, c->port, &c->wants_header);
	gw_count(&c->worker->counters.connects, 1);
	s->fd = socket(t->is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (s->fd < 0)
		return errno;
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(s->fd, (const struct sockaddr *)&to, n) < 0 && errno != EINPROGRESS)
		return errno;
	return conn_watch_app(c) ? 0 : ENOMEM;
}

/* What the client is told when no instance was reached. */
static bool give_up(struct conn *c, enum gw_end end)
{
	if (c->is_passthrough)
		return conn_refuse(c, end, 80);
	return conn_page(c,
			 end == GW_END_CONNECT_TIMEOUT ? PAGE_504
			 : end == GW_END_NOT_READY     ? PAGE_503
						       : PAGE_502,
			 end);
}

/* What went wrong says who rests: the port, the instance, or nobody if it is we who have no means. */
static void forget(struct conn *c, int why)
{
	c->was_unreachable = why == EHOSTUNREACH || why == ENETUNREACH || why == ENETDOWN ||
			     why == EDESTADDRREQ || why == ENOKEY;
	conn_close_app(c);
	if (why == ECONNREFUSED || why == ECONNRESET || why == EPIPE)
		load_refused(c->instance, c->port, c->worker->now_ms);
	else if (why != EMFILE && why != ENFILE && why != ENOMEM && why != ENOBUFS &&
		 why != EADDRNOTAVAIL)
		load_failed(c->instance, c->worker->now_ms);
	gw_count(&c->worker->counters.connect_failures, 1);
}

static bool may_wait(const struct conn *c)
{
	uint64_t now = c->worker->now_ms;

	return c->was_unreachable && now < c->worker->shared->patient_until_ms &&
	       now + AGAIN_MS < c->connect_end_ms;
}

/* Try as many instances as there is time for.  Return: does the connection live on? */
static bool try_next(struct conn *c, enum gw_end why)
{
	const struct gw_config *g = c->worker->world->config;
	uint64_t now = c->worker->now_ms, limit;
	const struct route_target *t;
	struct route_app app;
	int err;

	while (c->attempts < ATTEMPTS_MAX && now < c->connect_end_ms) {
		if (!routes_find(c->worker->world->routes->routes, c->asked->id,
				 strlen(c->asked->id), &app))
			return give_up(c, GW_END_NOT_READY); /* gone meanwhile */
		t = choose(c, &app);
		if (!t || (c->attempts > 0 && t->load == c->instance && app.n > 1))
			break;
		conn_leave_loads(c);
		c->instance = load_ref(t->load);
		(void)load_enter(c->instance, 0);
		c->attempts++;
		err = attempt(c, t);
		if (!err) {
			limit = c->connect_end_ms - now;
			if (app.n > 1 && c->attempts < ATTEMPTS_MAX && g->attempt_ms < limit)
				limit = g->attempt_ms;
			conn_set_state(c, CONN_CONNECT, limit);
			return true;
		}
		forget(c, err);
		if (app.n == 1)
			break;
	}
	if (c->attempts > 0 && may_wait(c)) {
		c->attempts = 0;
		conn_set_state(c, CONN_CONNECT, AGAIN_MS);
		return true;
	}
	return give_up(c, c->attempts == 0 ? GW_END_NOT_READY : why);
}

bool conn_connect(struct conn *c)
{
	c->connect_end_ms = c->worker->now_ms + c->worker->world->config->connect_ms;
	/* What came with the end of the handshake is still on the wire: it must be read before another's is. */
	if (c->tls && c->worker->wire_of == c) {
		const uint8_t *p = NULL;
		size_t n = 0;

		switch (conn_read_client(c, &p, &n)) {
		case GOT_BYTES:
			if (!conn_send(c, APP, p, n))
				return conn_die(c, GW_END_NO_MEMORY);
			break;
		case GOT_BROKEN:
			return conn_finish(c, GW_END_TLS_FAILED);
		case GOT_NONE:
		case GOT_END:
			break;
		}
		if (!conn_send_wire(c))
			return conn_die(c, GW_END_CLIENT_GONE);
	}
	return try_next(c, GW_END_CONNECT_FAILED);
}

/* "This client comes from there": what its load balancer said, or what we see. */
static bool send_header(struct conn *c)
{
	struct proxy_header h = { .version = c->worker->world->config->proxy_version,
				  .family = PROXY_INET6 };
	uint8_t out[PROXY_HEADER_OUT_MAX];
	struct sockaddr_in6 here = { .sin6_family = AF_UNSPEC };
	const struct sockaddr_in *in = (const void *)&here;
	socklen_t n = sizeof(here);
	size_t size;

	if (c->header) {
		h = *c->header;
	} else if (getsockname(c->sides[CLIENT].fd, (struct sockaddr *)&here, &n) == 0) {
		h.source_port = ntohs(c->from.sin6_port);
		h.target_port = ntohs(here.sin6_port); /* at the same place for IPv4 */
		if (here.sin6_family == AF_INET) {
			h.family = PROXY_INET;
			memcpy(h.source, &c->from.sin6_addr.s6_addr[12], 4);
			memcpy(h.target, &in->sin_addr, 4);
		} else if (IN6_IS_ADDR_V4MAPPED(&c->from.sin6_addr)) {
			h.family = PROXY_INET;
			memcpy(h.source, &c->from.sin6_addr.s6_addr[12], 4);
			memcpy(h.target, &here.sin6_addr.s6_addr[12], 4);
		} else {
			memcpy(h.source, &c->from.sin6_addr, 16);
			memcpy(h.target, &here.sin6_addr, 16);
		}
	}
	size = proxy_header_write(&h, out);
	return send(c->sides[APP].fd, out, size, MSG_NOSIGNAL) == (ssize_t)size;
}

bool conn_advance_connect(struct conn *c)
{
	struct conn_end *s = &c->sides[APP];
	int why = 0;
	socklen_t n = sizeof(why);

	if (s->fd < 0 || !s->is_writable)
		return true;
	/* an end that is there at once may be a failure, or a whole short answer */
	if (s->has_hung_up && (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0 || why)) {
		forget(c, why);
		return try_next(c,
				why == ETIMEDOUT ? GW_END_CONNECT_TIMEOUT : GW_END_CONNECT_FAILED);
	}
	if (c->wants_header && !send_header(c)) {
		forget(c, EPIPE);
		return try_next(c, GW_END_CONNECT_FAILED);
	}
	load_answered(c->instance, c->port);
	conn_set_state(c, CONN_RELAY, 0);
	return conn_relay(c);
}

bool conn_connect_expired(struct conn *c)
{
	bool waited = c->sides[APP].fd < 0; /* for a tunnel */

	if (waited && c->worker->now_ms < c->connect_end_ms)
		return try_next(c, GW_END_CONNECT_FAILED);
	if (waited)
		return give_up(c, GW_END_CONNECT_FAILED);
	forget(c, ETIMEDOUT);
	if (c->worker->now_ms >= c->connect_end_ms)
		return give_up(c, GW_END_CONNECT_TIMEOUT);
	return try_next(c, GW_END_CONNECT_TIMEOUT);
}
