/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections end that we end: an alert, or a page, and time for the client to read it.
 *
 * A socket that is closed while bytes of the client are unread sends a reset, which overtakes our last words.  So we
 * end our half, drop what the client still says, and close when it has ended its own, or after a short time.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "gateway/conn_parts.h"
#include "gateway/pages.h"
#include "gateway/pages_h2.h"
#include "gateway/world.h"

enum { ANSWER_PIECE = 32 * 1024, DROPS_A_TURN = 4 };

bool conn_refuse(struct conn *c, enum gw_end end, uint8_t alert)
{
	uint8_t record[TLS_GATE_ALERT_SIZE];

	if (alert) {
		tls_gate_alert(alert, record);
		if (!conn_send(c, CLIENT, record, sizeof(record)))
			return conn_die(c, end);
	}
	return conn_finish(c, end);
}

bool conn_finish(struct conn *c, enum gw_end end)
{
	struct worker *w = c->worker;
	struct conn_end *app = &c->sides[APP];

	c->end = (uint8_t)end;
	if (!conn_send_wire(c))
		return conn_die(c, end);
	conn_close_app(c);
	conn_leave_loads(c);
	chunk_give(&w->chunks, app->pending);
	app->pending = NULL;
	pipe_give(&w->pipes, app->pipe);
	app->pipe = NULL;
	c->holds_tickets = false;
	if (w->wire_of == c)
		w->wire_of = NULL;
	conn_set_state(c, CONN_LINGER, w->world->config->shutdown_ms);
	return conn_advance_linger(c);
}

bool conn_advance_linger(struct conn *c)
{
	struct conn_end *cl = &c->sides[CLIENT];
	int budget = DROPS_A_TURN;
	size_t n = 0;

	if (!conn_flush(c, CLIENT))
		return conn_die(c, (enum gw_end)c->end);
	if (cl->pending || (cl->pipe && cl->pipe->n > 0))
		return true; /* until it takes them, or its time is over */
	if (!cl->is_shut) {
		cl->is_shut = true;
		(void)shutdown(cl->fd, SHUT_WR);
	}
	while (budget-- > 0) {
		switch (conn_read_raw(c, CLIENT, c->worker->in, sizeof(c->worker->in), &n)) {
		case GOT_BYTES:
			break;
		case GOT_NONE:
			if (!cl->has_hung_up)
				return true;
			return conn_die(c, (enum gw_end)c->end);
		case GOT_END:
		case GOT_BROKEN:
			return conn_die(c, (enum gw_end)c->end);
		}
	}
	conn_again(c);
	return true;
}

bool conn_page(struct conn *c, enum conn_page page, enum gw_end end)
{
	c->page = (uint8_t)page;
	c->end = (uint8_t)end;
	conn_close_app(c);
	conn_set_state(c, CONN_REQUEST, c->worker->world->config->request_ms);
	return conn_advance_request(c);
}

/* Send as much of the answer as the client takes; at its end say so, and linger. */
static bool send_answer(struct conn *c)
{
	struct conn_end *cl = &c->sides[CLIENT];
	size_t n;

	for (;;) {
		if (!conn_flush(c, CLIENT))
			return conn_die(c, (enum gw_end)c->end);
		if (cl->pending)
			return true;
		n = c->n_answer - c->answer_at;
		if (n > ANSWER_PIECE)
			n = ANSWER_PIECE;
		if (!tls_gate_write(c->tls, c->answer + c->answer_at, n))
			return conn_die(c, (enum gw_end)c->end);
		c->answer_at += (uint32_t)n;
		if (c->answer_at == c->n_answer)
			tls_gate_close(c->tls);
		if (!conn_send_wire(c))
			return conn_die(c, (enum gw_end)c->end);
		if (c->answer_at == c->n_answer)
			return conn_finish(c, (enum gw_end)c->end);
	}
}

static struct pages_text text_of(const struct world_text *t)
{
	return t ? (struct pages_text){ t->bytes, t->n } : (struct pages_text){ NULL, 0 };
}

static void find_texts(const struct world *w, struct pages_texts *ret)
{
	ret->acme_info = text_of(w->texts[WORLD_ACME_INFO]);
	ret->app_info = text_of(w->texts[WORLD_APP_INFO]);
	ret->dev_ca = text_of(w->texts[WORLD_DEV_CA]);
}

static enum pages_verdict make_answer(const struct conn *c, const struct chunk *k, struct buf *ret)
{
	struct pages_texts texts;
	enum conn_page page = (enum conn_page)c->page;

	if (tls_gate_is_h2(c->tls))
		return pages_h2_answer(page, k->bytes + k->at, chunk_left(k), ret);
	find_texts(c->worker->world, &texts);
	return pages_answer(page, k->bytes + k->at, chunk_left(k), &texts, ret);
}

/* What waited for the app is the request. */
static bool answer(struct conn *c, bool *ret_wants_more)
{
	struct chunk *k = c->sides[APP].pending;
	struct buf b = BUF_MAX(PAGES_ANSWER_MAX);

	*ret_wants_more = false;
	if (!k) {
		*ret_wants_more = true;
		return true;
	}
	switch (make_answer(c, k, &b)) {
	case PAGES_MORE:
		*ret_wants_more = true;
		return true;
	case PAGES_NOT_HTTP:
		tls_gate_close(c->tls);
		return conn_finish(c, (enum gw_end)c->end);
	case PAGES_ANSWERED:
		break;
	}
	c->n_answer = (uint32_t)b.n;
	c->answer = (char *)b.p;
	c->holds_tickets = false;
	return send_answer(c);
}

bool conn_advance_request(struct conn *c)
{
	struct worker *w = c->worker;
	const uint8_t *p = NULL;
	bool wants_more = true;
	size_t n = 0;

	if (c->answer)
		return send_answer(c);
	/* who speaks HTTP/2 may ask for nothing before it heard of us */
	if (tls_gate_is_h2(c->tls) && !c->has_greeted) {
		c->has_greeted = true;
		if (!tls_gate_write(c->tls, pages_h2_hello, PAGES_H2_HELLO) || !conn_send_wire(c))
			return conn_die(c, (enum gw_end)c->end);
	}
	for (;;) {
		if (!answer(c, &wants_more) || !wants_more)
			return c->state != CONN_DEAD;
		switch (conn_read_client(c, &p, &n)) {
		case GOT_NONE:
			return conn_send_wire(c) || conn_die(c, (enum gw_end)c->end);
		case GOT_END:
			tls_gate_close(c->tls);
			return conn_finish(c, (enum gw_end)c->end);
		case GOT_BROKEN:
			return conn_finish(c, (enum gw_end)c->end);
		case GOT_BYTES:
			break;
		}
		if (n > PAGES_HEAD_MAX)
			n = PAGES_HEAD_MAX; /* a head that long is refused, whatever follows */
		if (chunk_add(&w->chunks, &c->sides[APP].pending, p, n) < 0)
			return conn_finish(c, (enum gw_end)c->end);
	}
}
