/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/socket.h>

#include "gateway/conn_parts.h"

/*
 * A read that gave less than asked for has emptied the queue: the next byte is another edge.  Only an end that came
 * before the read has no edge of its own, which is why has_hung_up makes us read on.
 */
enum conn_got conn_read_raw(struct conn *c, enum conn_side side, void *p, size_t n, size_t *ret_n)
{
	struct conn_end *s = &c->sides[side];
	ssize_t got;

	if (s->has_ended)
		return GOT_END;
	if (!s->is_readable)
		return GOT_NONE;
	do
		got = recv(s->fd, p, n, 0);
	while (got < 0 && errno == EINTR);
	if (got == 0) {
		s->has_ended = true;
		s->is_readable = false;
		return GOT_END;
	}
	if (got < 0) {
		s->is_readable = false;
		return errno == EAGAIN ? GOT_NONE : GOT_BROKEN;
	}
	c->progress_ms = c->worker->now_ms;
	if ((size_t)got < n) {
		s->full_reads = 0;
		s->is_readable = s->has_hung_up;
	} else if (s->full_reads < UINT8_MAX) {
		s->full_reads++;
	}
	*ret_n = (size_t)got;
	return GOT_BYTES;
}

/* Decrypt all that came: it fits (see WORKER_PLAIN).  What the client must know of it is on the wire after. */
static enum conn_got decrypt(struct conn *c, const uint8_t **ret, size_t *ret_n)
{
	struct worker *w = c->worker;
	enum tls_gate_step step = TLS_GATE_MORE;
	size_t total = 0, n;

	while ((n = tls_gate_read(c->tls, w->plain + total, sizeof(w->plain) - total, &step)) > 0)
		total += n;
	w->wire_of = NULL;
	w->wire.n_in = 0;
	if (step == TLS_GATE_BROKEN)
		return GOT_BROKEN;
	if (step == TLS_GATE_CLOSED)
		c->sides[CLIENT].has_ended = true;
	if (total == 0)
		return step == TLS_GATE_CLOSED ? GOT_END : GOT_NONE;
	*ret = w->plain;
	*ret_n = total;
	return GOT_BYTES;
}

enum conn_got conn_read_client(struct conn *c, const uint8_t **ret, size_t *ret_n)
{
	struct worker *w = c->worker;
	enum conn_got got;
	size_t n = 0;

	for (;;) {
		if (w->wire_of != c) {
			got = conn_read_raw(c, CLIENT, w->in, c->tls ? sizeof(w->in) : WORKER_RAW,
					    &n);
			if (got != GOT_BYTES)
				return got; /* an end without close_notify is an end */
			if (!c->tls) {
				*ret = w->in;
				*ret_n = n;
				return GOT_BYTES;
			}
			w->wire.in = w->in;
			w->wire.n_in = n;
			w->wire_of = c;
		}
		got = decrypt(c, ret, ret_n);
		if (got != GOT_NONE || !c->sides[CLIENT].is_readable)
			return got;
	}
}

bool conn_flush(struct conn *c, enum conn_side side)
{
	struct conn_end *s = &c->sides[side];
	struct chunk *k = s->pending;
	ssize_t n;

	if (!k || !s->is_writable)
		return true;
	do
		n = send(s->fd, k->bytes + k->at, chunk_left(k), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		s->is_writable = false;
		return errno == EAGAIN;
	}
	c->progress_ms = c->worker->now_ms;
	k->at += (uint32_t)n;
	if (k->at < k->end) {
		s->is_writable = false;
		return true;
	}
	chunk_give(&c->worker->chunks, k);
	s->pending = NULL;
	return true;
}

bool conn_send(struct conn *c, enum conn_side side, const void *p, size_t n)
{
	struct conn_end *s = &c->sides[side];
	const uint8_t *at = p;
	ssize_t sent = 0;

	if (!s->pending && s->is_writable && n > 0) {
		do
			sent = send(s->fd, at, n, MSG_NOSIGNAL);
		while (sent < 0 && errno == EINTR);
		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < 0)
			sent = 0;
		else
			c->progress_ms = c->worker->now_ms;
		if ((size_t)sent < n)
			s->is_writable = false;
	}
	if ((size_t)sent == n)
		return true;
	return chunk_add(&c->worker->chunks, &s->pending, at + sent, n - (size_t)sent) == 0;
}

bool conn_send_wire(struct conn *c)
{
	struct tls_wire *wire = &c->worker->wire;
	size_t n = wire->n_out;
	bool is_good;

	if (n == 0)
		return true;
	wire->n_out = 0;
	if (!c->holds_tickets)
		return conn_send(c, CLIENT, wire->out, n);
	c->holds_tickets = false;
	is_good = chunk_add(&c->worker->chunks, &c->sides[CLIENT].pending, wire->out, n) == 0;
	return is_good && conn_flush(c, CLIENT);
}
