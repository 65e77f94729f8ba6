/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_tickets: the keys under which session tickets are sealed, shared by all loops, new every few hours
 *
 * Owns     the last TICKETS_KEPT keys, wiped when they go.  A ticket under one of them resumes; only the newest seals.
 * Thread   tickets_rotate() on one thread; the rest on any, without a lock: a key is written to a place that nobody
 *	    looks at, then published.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

struct ssl_ctx_st;

enum { TICKETS_KEPT = 3, TICKETS_PLACES = TICKETS_KEPT + 1, TICKETS_NAME_SIZE = 16 };

struct ticket_key {
	uint8_t name[TICKETS_NAME_SIZE];
	struct secret32 aes, mac;
};

struct tickets {
	struct ticket_key keys[TICKETS_PLACES];
	_Atomic uint32_t newest; /* counts on; its place is newest % TICKETS_PLACES */
};

void tickets_init(struct tickets *t);
void tickets_deinit(struct tickets *t);

/* From now on a new key seals; the oldest is wiped. */
void tickets_rotate(struct tickets *t);

/* Let the context seal and open its tickets with @t, borrowed for as long as it lives. */
void tickets_use(struct tickets *t, struct ssl_ctx_st *ctx);
