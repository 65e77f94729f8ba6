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

/* Nobody looks at these bytes, and they are many. */
static bool is_bulk(const struct conn *c, enum conn_side from, const struct conn_end *to)
{
	return !c->tls && !to->is_shut && (to->pipe || c->sides[from].full_reads >= BULK);
}

/*
 * The steps of both ways say: 1 go on, 0 not now, -1 the connection has died.  One that lingers is not ours any more,
 * and stops, too.
 */
static int stop(bool lives)
{
	return lives ? 0 : -1;
}

/* Is what came before on its way to the app? */
static int clear_up(struct conn *c, int *budget)
{
	struct conn_end *app = &c->sides[APP];

	if (!conn_flush(c, APP))
		app_is_deaf(c);
	if (app->pending)
		return 0;
	if (is_bulk(c, CLIENT, app) && !conn_splice(c, CLIENT, budget))
		return -1;
	return app->pipe || c->state != CONN_RELAY ? 0 : 1;
}

static int read_up(struct conn *c)
{
	struct conn_end *app = &c->sides[APP];
	const uint8_t *p = NULL;
	size_t n = 0;

	switch (conn_read_client(c, &p, &n)) {
	case GOT_NONE:
		return 0;
	case GOT_END:
		return stop(end_up(c));
	case GOT_BROKEN:
		return stop(c->tls ? conn_finish(c, GW_END_CLIENT_GONE)
				   : conn_die(c, GW_END_CLIENT_GONE));
	case GOT_BYTES:
		break;
	}
	app->n_sent += n;
	if (!app->is_shut && !conn_send(c, APP, p, n))
		app_is_deaf(c);
	return 1;
}

/* Client to app. */
static bool pump_up(struct conn *c)
{
	int budget = TURN, rc;

	do {
		rc = clear_up(c, &budget);
		if (rc == 1 && budget-- <= 0) {
			conn_again(c);
			return true;
		}
		if (rc == 1)
			rc = read_up(c);
	} while (rc == 1);
	return rc == 0;
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
		return WORKER_RAW;
	if (left < ROOM_MIN)
		return 0;
	left -= RECORD_EXTRA * (left / (16 * 1024) + 1);
	return left < WORKER_IN ? left : WORKER_IN;
}

static bool pass_down(struct conn *c, size_t n)
{
	struct worker *w = c->worker;

	c->sides[CLIENT].n_sent += n;
	if (c->tls)
		return tls_gate_write(c->tls, w->plain, n);
	return conn_send(c, CLIENT, w->plain, n);
}

static bool send_down(struct conn *c)
{
	return conn_send_wire(c) || conn_die(c, GW_END_CLIENT_GONE);
}

static int clear_down(struct conn *c, int *budget)
{
	struct conn_end *cl = &c->sides[CLIENT];

	if (!c->holds_tickets) {
		if (!conn_flush(c, CLIENT))
			return stop(conn_die(c, GW_END_CLIENT_GONE));
		if (cl->pending)
			return 0;
	}
	if (is_bulk(c, APP, cl) && !conn_splice(c, APP, budget))
		return -1;
	return cl->pipe || c->state != CONN_RELAY ? 0 : 1;
}

static int read_down(struct conn *c, size_t most)
{
	size_t n = 0;

	switch (conn_read_raw(c, APP, c->worker->plain, most, &n)) {
	case GOT_NONE:
		return stop(send_down(c));
	case GOT_END:
		return stop(end_down(c));
	case GOT_BROKEN:
		/* no close_notify: the client must see that it did not get all */
		return stop(conn_finish(c, GW_END_APP_GONE));
	case GOT_BYTES:
		break;
	}
	return pass_down(c, n) ? 1 : stop(conn_die(c, GW_END_CLIENT_GONE));
}

/* App to client.  What is encrypted gathers on the wire and goes out at the end, or when that is full. */
static bool pump_down(struct conn *c)
{
	int budget = TURN, rc;
	size_t most;

	do {
		rc = clear_down(c, &budget);
		most = rc == 1 ? room(c) : 0;
		if (rc == 1 && (most == 0 || budget <= 0) && !send_down(c))
			return false;
		if (rc == 1 && budget-- <= 0) {
			conn_again(c);
			return true;
		}
		if (most > 0)
			rc = read_down(c, most);
	} while (rc == 1);
	return rc == 0;
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
