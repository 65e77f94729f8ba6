/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client says first: a PROXY header where one is due, then its ClientHello.
 *
 * Most hellos come whole and are read where they were received.  Else they gather in what waits for the app, which is
 * where passthrough wants them; TLS of our own is fed from there.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/conn_parts.h"
#include "gateway/world.h"
#include "wire/client_hello.h"

/* Keep what came for the next time, or for the app. */
static bool keep(struct conn *c)
{
	struct worker *w = c->worker;
	struct chunk **k = &c->sides[APP].pending;

	if (w->n_early == 0)
		return true;
	if (*k && w->early >= (*k)->bytes && w->early <= (*k)->bytes + (*k)->cap)
		return true; /* it is there */
	return chunk_add(&w->chunks, k, w->early, w->n_early) == 0;
}

bool conn_keep_early(struct conn *c)
{
	return keep(c) || conn_die(c, GW_END_NO_MEMORY);
}

static void set_header(struct conn *c, const struct proxy_header *h)
{
	c->header = xmemdup(h, sizeof(*h));
	if (h->is_local || (h->family != PROXY_INET && h->family != PROXY_INET6))
		return;
	memset(&c->from.sin6_addr, 0, sizeof(c->from.sin6_addr));
	c->from.sin6_port = htons(h->source_port);
	if (h->family == PROXY_INET6) {
		memcpy(&c->from.sin6_addr, h->source, 16);
		return;
	}
	c->from.sin6_addr.s6_addr[10] = c->from.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&c->from.sin6_addr.s6_addr[12], h->source, 4);
}

/* Return: 1 it is over, 0 more must come, -1 it is none. */
static int read_header(struct conn *c)
{
	struct worker *w = c->worker;
	struct chunk *k = c->sides[APP].pending;
	struct proxy_header h = { 0 };
	size_t used = 0;

	switch (proxy_header_parse(w->early, w->n_early, &h, &used)) {
	case PROXY_MORE:
		return 0;
	case PROXY_REFUSED:
		return -1;
	case PROXY_FOUND:
		break;
	}
	set_header(c, &h);
	w->early += used;
	w->n_early -= used;
	if (k)
		k->at += (uint32_t)used;
	conn_set_state(c, CONN_HELLO, w->world->config->hello_ms);
	return 1;
}

static bool read_hello(struct conn *c)
{
	struct worker *w = c->worker;
	struct client_hello hello;

	if (w->n_early < c->need || w->n_early == 0)
		return conn_keep_early(c);
	switch (client_hello_parse(w->early, w->n_early, &hello)) {
	case CLIENT_HELLO_MORE:
		c->need = (uint16_t)hello.need;
		return conn_keep_early(c);
	case CLIENT_HELLO_REFUSED:
		return conn_refuse(c, hello.alert ? GW_END_BAD_HELLO : GW_END_NOT_TLS, hello.alert);
	case CLIENT_HELLO_FOUND:
		break;
	}
	return conn_route(c, hello.host, hello.n_host);
}

bool conn_advance_hello(struct conn *c)
{
	struct worker *w = c->worker;
	struct chunk *k;
	size_t n = 0;
	int rc;

	for (;;) {
		k = c->sides[APP].pending;
		switch (conn_read_raw(c, CLIENT, w->in, CLIENT_HELLO_STREAM_MAX, &n)) {
		case GOT_NONE:
			return true;
		case GOT_END:
		case GOT_BROKEN:
			return conn_die(c, GW_END_CLIENT_GONE);
		case GOT_BYTES:
			break;
		}
		w->early = w->in;
		w->n_early = n;
		if (k) {
			if (chunk_add(&w->chunks, &c->sides[APP].pending, w->in, n) < 0)
				return conn_refuse(c, GW_END_BAD_HELLO, 0);
			k = c->sides[APP].pending;
			w->early = k->bytes + k->at;
			w->n_early = chunk_left(k);
		}
		rc = c->state == CONN_PROXY_HEADER ? read_header(c) : 1;
		if (rc < 0)
			return conn_refuse(c, GW_END_BAD_PROXY_HEADER, 0);
		if (rc == 0 ? !conn_keep_early(c) : !read_hello(c))
			return false;
		if (c->state != CONN_HELLO && c->state != CONN_PROXY_HEADER)
			return true;
	}
}
