/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: what an app, or one of its instances, carries now, and whether an instance answers
 *
 * It outlives routing snapshots: who is built anew takes over the load of the same id, so no count is lost by a reload.
 *
 * Owns     itself, by a count of references: one of each snapshot and one of each connection.
 * Thread   any; one atomic operation a connection, none a byte.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LOAD_ID_MAX = 63, LOAD_REST_MS = 1000, LOAD_REST_MAX_MS = 30 * 1000 };

struct load {
	_Atomic uint32_t refs;
	_Atomic uint32_t conns;
	_Atomic uint32_t failures;	/* connects that failed, one after the other */
	_Atomic uint64_t rest_until_ms; /* chosen only if all others rest, too */
	_Atomic uint64_t total;		/* connections so far */
	char id[LOAD_ID_MAX + 1];
};

/* With one reference, the caller's. */
struct load *load_new(const char *id);
struct load *load_ref(struct load *l);
void load_unref(struct load *l);

/* Count a connection, unless there are @most already (0: no limit).  Return: did it? */
bool load_enter(struct load *l, uint32_t most);
void load_leave(struct load *l);

/* A connect failed: rest for a second, twice as long after each further failure.  One that succeeded: forget that. */
void load_failed(struct load *l, uint64_t now_ms);
void load_answered(struct load *l);
bool load_is_resting(const struct load *l, uint64_t now_ms);
