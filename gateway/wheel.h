/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wheel: who is to be looked at when, in ticks of a quarter of a second
 *
 * A connection is moved only when its moment comes earlier; one whose moment went on (each byte does that) is found
 * not to be due, and put where it belongs by then.  So a byte costs no timer.
 *
 * Owns     nothing: nodes are embedded in what they are of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 512, WHEEL_TICK_MS = 250 };

struct wheel_node {
	struct wheel_node *prev, *next; /* NULL: in no wheel */
	uint64_t due_ms;		/* the tick it lies in */
};

struct wheel {
	struct wheel_node slots[WHEEL_SLOTS]; /* heads of rings */
	uint64_t tick;			      /* all before it was looked at */
	uint32_t n;
};

void wheel_init(struct wheel *w, uint64_t now_ms);

/* Look at @n at @due_ms, or before: a place beyond the wheel's reach is its last.  Not if it lies earlier already. */
void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t due_ms);
void wheel_remove(struct wheel *w, struct wheel_node *n);

/* Call @fn for each whose tick is over, taken out before. */
void wheel_turn(struct wheel *w, uint64_t now_ms, void (*fn)(struct wheel_node *n, void *arg),
		void *arg);

/* Take out all, whenever they are due. */
void wheel_drain(struct wheel *w, void (*fn)(struct wheel_node *n, void *arg), void *arg);
