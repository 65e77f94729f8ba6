/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from one side to the other, each way by itself.  What cannot be sent now waits, and while it waits nothing more
 * is read from where it came: so a slow side slows the other, and each connection holds at most one chunk a side.
 *
 * An end is passed on (close_notify, then FIN) when all before it was sent; the other way goes on until its own end.
 */
#include <sys/socket.h>

#include "gateway/conn_parts.h"

enum {
	TURN = 4,	      /* reads a turn and a way: then it is the others' */
	BULK = 2,	      /* full reads in a row after which bytes are spliced */
	ROOM_MIN = 18 * 1024, /* on the wire, for a further read */
	RECORD_EXTRA = 64,    /* of each 16 KiB that are encrypted, and more than that */
};

/* The app takes nothing more: what it still says is passed on. */
static void app_is_deaf(struct conn *c)
{
	struct conn_end *app = &c->sides[APP];

	chunk_give(&c->worker->chunks, app->pending);
	app->pending = NULL;
	app->is_shut = true;
}

static bool end_up(struct conn *c)
{
	struct conn_end *app = &c->sides[APP];

	if (app->is_shut || app->pending || app->pipe)
		return true;
	app->is_shut = true;
	if (!app->has_ended || c->sides[CLIENT].pending)
		(void)shutdown(app->fd, SHUT_WR);
	return true;
}

/* Client to app. */
static bool pump_up(struct conn *c)
{
	struct conn_end *app = &c->sides[APP];
	const uint8_t *p = NULL;
	int budget = TURN;
	size_t n = 0;

	for (;;) {
		if (!conn_flush(c, APP))
			app_is_deaf(c);
		if (app->pending)
			return true;
		if (!c->tls && (app->pipe || c->sides[CLIENT].full_reads >= BULK) &&
		    !app->is_shut && !conn_splice(c, CLIENT, &budget))
			return false;
		if (app->pipe)
			return true;
		if (budget-- == 0) {
			conn_again(c);
			return true;
		}
		switch (conn_read_client(c, &p, &n)) {
		case GOT_NONE:
			return true;
		case GOT_END:
			return end_up(c);
		case GOT_BROKEN:
			return c->tls ? conn_finish(c, GW_END_CLIENT_GONE)
				      : conn_die(c, GW_END_CLIENT_GONE);
		case GOT_BYTES:
			break;
		}
		c->sides[APP].n_sent += n;
		if (!app->is_shut && !conn_send(c, APP, p, n))
			app_is_deaf(c);
	}
}

/* What the app said is all on its way: tell the client that there is no more. */
static bool end_down(struct conn *c)
{
	struct conn_end *cl = &c->sides[CLIENT];

	if (cl->is_shut)
		return true;
	if (c->tls)
		tls_gate_close(c->tls);
	if (!conn_send_wire(c) || !conn_flush(c, CLIENT))
		return conn_die(c, GW_END_CLIENT_GONE);
	if (cl->pending || cl->pipe)
		return true;
	cl->is_shut = true;
	if (!cl->has_ended)
		(void)shutdown(cl->fd, SHUT_WR);
	return true;
}

/* How much may be read so that it fits on the wire once encrypted; 0: send first. */
static size_t room(const struct conn *c)
{
	const struct tls_wire *wire = &c->worker->wire;
	size_t left = wire->out_max - wire->n_out;

	if (!c->tls)
		return sizeof(c->worker->plain);
	if (left < ROOM_MIN)
		return 0;
	left -= RECORD_EXTRA * (left / (16 * 1024) + 1);
	return left < sizeof(c->worker->plain) ? left : sizeof(c->worker->plain);
}

static bool pass_down(struct conn *c, size_t n)
{
	struct worker *w = c->worker;

	c->sides[CLIENT].n_sent += n;
	if (c->tls)
		return tls_gate_write(c->tls, w->plain, n);
	return conn_send(c, CLIENT, w->plain, n);
}

/* App to client.  What is encrypted gathers on the wire and goes out at the end, or when that is full. */
static bool pump_down(struct conn *c)
{
	struct conn_end *cl = &c->sides[CLIENT];
	int budget = TURN;
	size_t n = 0, most;

	for (;;) {
		if (!c->holds_tickets && !conn_flush(c, CLIENT))
			return conn_die(c, GW_END_CLIENT_GONE);
		if (cl->pending && !c->holds_tickets)
			return true;
		if (!c->tls && (cl->pipe || c->sides[APP].full_reads >= BULK) &&
		    !conn_splice(c, APP, &budget))
			return false;
		if (cl->pipe)
			return true;
		most = room(c);
		if (most == 0 || budget-- == 0) {
			if (!conn_send_wire(c))
				return conn_die(c, GW_END_CLIENT_GONE);
			if (most == 0)
				continue;
			conn_again(c);
			return true;
		}
		switch (conn_read_raw(c, APP, c->worker->plain, most, &n)) {
		case GOT_NONE:
			return conn_send_wire(c) || conn_die(c, GW_END_CLIENT_GONE);
		case GOT_END:
			return end_down(c);
		case GOT_BROKEN:
			/* no close_notify: the client must see that it did not get all */
			return conn_finish(c, GW_END_APP_GONE);
		case GOT_BYTES:
			break;
		}
		if (!pass_down(c, n))
			return conn_die(c, GW_END_CLIENT_GONE);
	}
}

bool conn_relay(struct conn *c)
{
	if (!pump_up(c) || c->state != CONN_RELAY)
		return c->state != CONN_DEAD;
	/* an answer to the client's TLS, as after an update of keys */
	if (c->worker->wire.n_out && !conn_send_wire(c))
		return conn_die(c, GW_END_CLIENT_GONE);
	if (!pump_down(c) || c->state != CONN_RELAY)
		return c->state != CONN_DEAD;
	if (c->sides[CLIENT].is_shut && c->sides[APP].is_shut && c->sides[CLIENT].has_ended)
		return conn_die(c, GW_END_DONE);
	return true;
}
