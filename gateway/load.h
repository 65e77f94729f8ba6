/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: what an app, or one of its instances, carries now, and whether an instance answers
 *
 * Who cannot be reached rests as a whole; a port that refuses says nothing of the others: it alone rests.
 * It outlives routing snapshots: who is built anew takes over the load of the same id, so no count is lost by a reload.
 *
 * Owns     itself, by a count of references: one of each snapshot and one of each connection.
 * Thread   any; one atomic operation a connection, none a byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_ID_MAX = 63, LOAD_REST_MS = 1000, LOAD_REST_MAX_MS = 30 * 1000, LOAD_PORTS = 8 };

/* The last that refused: a port in the upper 16 bits, how often in 8, until when it rests in 40. */
struct load_ports {
	_Atomic uint64_t slots[LOAD_PORTS];
};

struct load {
	_Atomic uint32_t refs;
	_Atomic uint32_t conns;
	_Atomic uint32_t failures;	    /* connects that failed, one after the other */
	_Atomic uint64_t rest_until_ms;	    /* chosen only if all others rest, too */
	_Atomic uint64_t total;		    /* connections so far */
	_Atomic(struct load_ports *) ports; /* NULL: none has refused yet */
	char id[LOAD_ID_MAX + 1];
};

/* With one reference, the caller's. */
struct load *load_new(const char *id);
struct load *load_ref(struct load *l);
void load_unref(struct load *l);

/* Count a connection, unless there are @most already (0: no limit).  Return: did it? */
bool load_enter(struct load *l, uint32_t most);
void load_leave(struct load *l);

/* It was not reached: rest for a second, twice as long after each further failure. */
void load_failed(struct load *l, uint64_t now_ms);

/* It was, and refused: the same for this port alone. */
void load_refused(struct load *l, uint16_t port, uint64_t now_ms);

/* It took a connection: forget both. */
void load_answered(struct load *l, uint16_t port);

/* Those that rest now.  Return: how many. */
size_t load_resting_ports(const struct load *l, uint64_t now_ms, uint16_t ret[static LOAD_PORTS]);

/* @port 0: is it resting as a whole? */
bool load_is_resting(const struct load *l, uint16_t port, uint64_t now_ms);
