/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn: one client and, once it is known, its app
 *
 *	PROXY_HEADER -> HELLO -> [RESOLVE] -> [HANDSHAKE] -> CONNECT -> RELAY -> (DEAD)
 *	                  any of them -> REQUEST (the client gets a page of ours) -> LINGER -> DEAD
 *
 * Each event of a socket calls conn_advance(), which does what the state and the sockets allow.  Functions that may
 * end the connection return whether it lives on; nobody touches it after false.
 *
 * Owns     two sockets, TLS, what waits to be sent, references to two loads.
 * Thread   its worker's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "gateway/counters.h"
#include "gateway/wheel.h"
#include "wire/proxy_header.h"

struct chunk;
struct load;
struct pipe_pair;
struct route_app;
struct ssl_st;
struct txt_answer;
struct worker;

enum conn_state {
	CONN_PROXY_HEADER,
	CONN_HELLO,
	CONN_RESOLVE,
	CONN_HANDSHAKE,
	CONN_CONNECT,
	CONN_RELAY,
	CONN_REQUEST, /* waits for a request, for a page of ours */
	CONN_LINGER, /* all is said: what the client still sends is dropped, so that it reads our last words */
	CONN_DEAD,
};

/* Sides of a connection, and with them of a direction: where bytes come from, or go to. */
enum conn_side { CLIENT, APP, SIDES };

enum conn_page {
	PAGE_NONE,
	PAGE_GATEWAY, /* gateway.DOMAIN */
	PAGE_HEALTH,  /* health.DOMAIN */
	PAGE_502,
	PAGE_503,
	PAGE_504,
};

struct conn_end {
	int fd;
	bool is_readable,
		is_writable; /* as far as the kernel told: an edge sets them, a short read or write clears */
	bool has_hung_up;	/* an end is in the queue: read up to it */
	bool has_ended;		/* it was read */
	bool is_shut;		/* we said our end to it */
	uint8_t full_reads;	/* in a row: bytes pass in bulk */
	struct chunk *pending;	/* waits to be sent to it */
	struct pipe_pair *pipe; /* and so does what is in here */
	uint64_t n_sent;	/* bytes of payload */
};

struct conn {
	_Alignas(16) struct wheel_node
		node; /* first: the wheel knows it by this; the low bits of its address are used */
	struct worker *worker;
	struct conn *next;		      /* free, dead or ready */
	struct conn *half_prev, *half_next;   /* of those that are half open */
	uint64_t start_ms, deadline_ms;	      /* of the state; 0: none */
	uint64_t progress_ms, connect_end_ms; /* the last byte; the end of all attempts */
	uint32_t generation; /* who answers late asks whether it is still the same */
	uint8_t state;
	uint8_t page;
	uint8_t end; /* enum gw_end, what the log and the counters are told */
	uint8_t attempts;
	bool is_block; /* first of those that were allocated together */
	bool is_half_open, is_ready_listed, wants_header, was_retried, is_passthrough, is_h2,
		holds_tickets, is_counted, has_greeted, was_unreachable;
	uint16_t port;
	int16_t domain; /* index, or -1: a custom one */
	uint16_t need;	/* bytes of the hello to wait for */
	struct conn_end sides[SIDES];
	struct ssl_st *tls;	     /* NULL: passthrough, or not yet */
	struct load *app, *instance; /* instance: the one that is connected to, or was tried last */
	struct load *asked;	  /* of the id that the client named: an app's or an instance's */
	struct sockaddr_in6 from; /* the client's, or that of its PROXY header; IPv4 is mapped */
	struct proxy_header *header; /* it sent one; NULL */
	char *answer;		     /* a page on its way; NULL */
	uint32_t n_answer, answer_at;
	char *host; /* for the access log and for DNS; NULL if nobody needs it */
};

/* Take over an accepted socket. */
void conn_accept(struct worker *w, int fd, const struct sockaddr *from);

/* Something happened to @side, as epoll says. */
void conn_event(struct conn *c, enum conn_side side, uint32_t events);

/* Its time may be over. */
void conn_check_time(struct conn *c);

/* Go on where fairness cut it off. */
void conn_advance(struct conn *c);

/* DNS has answered. */
void conn_answered(struct worker *w, const struct txt_answer *a);

/* Drop it at once: the worker ends, or it is the oldest of too many. */
void conn_kill(struct conn *c, enum gw_end end);
