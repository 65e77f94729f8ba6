/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of TLS that ends here. */
#include "gateway/conn_parts.h"
#include "gateway/tls_site.h"
#include "gateway/world.h"

enum { ALERT_INTERNAL_ERROR = 80 };

static bool is_done(struct conn *c)
{
	struct gw_counters *n = &c->worker->counters;

	gw_count(&n->handshakes, 1);
	gw_count(&n->resumed, tls_gate_is_resumed(c->tls));
	gw_count(&n->tls13, tls_gate_is_13(c->tls));
	gw_count_handshake(n, c->worker->now_ms - c->start_ms);
	(void)conn_not_half_open(c);
	/* A TLS 1.3 client waits for nothing now: its ticket goes out with the first bytes of the app. */
	c->holds_tickets = tls_gate_may_hold(c->tls);
	if (c->holds_tickets) {
		struct tls_wire *wire = &c->worker->wire;

		if (chunk_add(&c->worker->chunks, &c->sides[CLIENT].pending, wire->out,
			      wire->n_out) < 0)
			return conn_die(c, GW_END_NO_MEMORY);
		wire->n_out = 0;
	} else if (!conn_send_wire(c)) {
		return conn_die(c, GW_END_CLIENT_GONE);
	}
	if (c->page == PAGE_NONE)
		return conn_connect(c);
	conn_set_state(c, CONN_REQUEST, c->worker->world->config->request_ms);
	return conn_advance_request(c);
}

static bool step(struct conn *c)
{
	switch (tls_gate_handshake(c->tls)) {
	case TLS_GATE_DONE:
		return is_done(c);
	case TLS_GATE_MORE:
		c->worker->wire_of = NULL;
		return conn_send_wire(c) || conn_die(c, GW_END_CLIENT_GONE);
	case TLS_GATE_CLOSED:
	case TLS_GATE_BROKEN:
		break;
	}
	(void)tls_gate_why();
	return conn_finish(c, GW_END_TLS_FAILED); /* with the alert that is on the wire */
}

bool conn_begin_handshake(struct conn *c)
{
	struct worker *w = c->worker;
	struct chunk *k = c->sides[APP].pending;
	bool lives;

	c->sides[APP].pending = NULL; /* it was for us; the wire may still point into it */
	c->tls = tls_gate_new(&w->world->sites->sites[c->domain], c->is_h2, &w->wire);
	if (!c->tls) {
		chunk_give(&w->chunks, k);
		return conn_refuse(c, GW_END_NO_MEMORY, ALERT_INTERNAL_ERROR);
	}
	conn_set_state(c, CONN_HANDSHAKE, w->world->config->handshake_ms);
	w->wire.in = w->early;
	w->wire.n_in = w->n_early;
	w->wire_of = c;
	lives = step(c);
	chunk_give(&w->chunks, k);
	return lives;
}

bool conn_advance_handshake(struct conn *c)
{
	struct worker *w = c->worker;
	size_t n = 0;

	if (!conn_flush(c, CLIENT))
		return conn_die(c, GW_END_CLIENT_GONE);
	for (;;) {
		switch (conn_read_raw(c, CLIENT, w->in, sizeof(w->in), &n)) {
		case GOT_NONE:
			return true;
		case GOT_END:
		case GOT_BROKEN:
			return conn_die(c, GW_END_CLIENT_GONE);
		case GOT_BYTES:
			break;
		}
		w->wire.in = w->in;
		w->wire.n_in = n;
		w->wire_of = c;
		if (!step(c))
			return false;
		if (c->state != CONN_HANDSHAKE)
			return true;
	}
}
