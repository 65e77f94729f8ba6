/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver: which app a custom domain belongs to, by its TXT record
 *
 * Asks, for absolute names, P.HOST and _tapp-address.HOST at once, then P-wildcard.PARENT.  The first record that is
 * there counts, and must be right.  Answers are kept for their time to live, "no such record" for a short one; who asks
 * what is being asked already waits with the others.
 *
 * Owns     a channel to DNS and a cache.
 * Trusts   nothing of an answer but its first TXT record, which is held to the grammar of an id and a port.
 * Limits   RESOLVER_CACHE names kept, RESOLVER_WAITING who wait, RESOLVER_ASKING_OF names asked for at once because of
 *	    one client (IPv6: one /64): a zone that does not answer costs whoever brings its names, and nobody else.
 * Thread   the control thread's loop; resolver_ask() from any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "wire/client_hello.h"
#include "wire/host_label.h"

struct conn;
struct err;
struct gw_config;
struct resolver;
struct worker;

enum {
	RESOLVER_CACHE = 4096,
	RESOLVER_WAITING = 16384,
	RESOLVER_ASKING_OF = 128,
	RESOLVER_NEGATIVE_MS = 10 * 1000, /* no such record */
	RESOLVER_FAILED_MS = 1000,	  /* no answer */
};

/* Goes to the worker that asked. */
struct txt_answer {
	struct txt_answer *next;
	struct conn *conn;
	uint32_t generation;
	bool is_found;
	struct host_label label;
};

/* Return: 0 or negative. */
int resolver_start(struct resolver **ret, uv_loop_t *loop, const struct gw_config *c,
		   struct err *e);

/* Nobody asks any more: the workers have ended.  @done runs once from the loop. */
void resolver_stop(struct resolver *r, void (*done)(void *arg), void *arg);

/* @host: as client_hello_host() makes it.  The answer comes by worker_post(), always. */
void resolver_ask(struct resolver *r, struct worker *w, struct conn *c, uint32_t generation,
		  const char *host);

/* For metrics: how many names are kept, how often DNS was asked. */
uint32_t resolver_n_kept(const struct resolver *r);
uint64_t resolver_n_asked(const struct resolver *r);
