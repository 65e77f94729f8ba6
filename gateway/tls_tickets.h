/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_tickets: the keys under which session tickets are sealed, shared by all loops, new every few hours
 *
 * A set of keys never changes: the next one is made of it and takes its place in the world (world.h).  The newest key
 * seals; a ticket under any of the set resumes.
 *
 * Owns     nothing; who keeps a set wipes it.
 * Thread   a set: any.  tickets_set_current() is of the thread that calls it.
 */
#pragma once

#include <stdint.h>

#include "base/secret.h"

struct ssl_ctx_st;

enum { TICKETS_KEPT = 3, TICKETS_NAME_SIZE = 16 };

struct ticket_key {
	uint8_t name[TICKETS_NAME_SIZE];
	struct secret32 aes, mac;
};

struct tickets {
	struct ticket_key keys[TICKETS_KEPT]; /* newest first */
	uint32_t n;
};

/* A new key, and of @old (NULL: none) those that are not too old. */
void tickets_make(const struct tickets *old, struct tickets *ret);
void tickets_wipe(struct tickets *t);

/* Contexts that this thread serves with seal and open with @t, borrowed until another is set. */
void tickets_set_current(const struct tickets *t);

/* Let a context seal and open its tickets so. */
void tickets_use(struct ssl_ctx_st *ctx);
