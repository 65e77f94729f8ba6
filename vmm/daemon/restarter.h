/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restarter: looks after VMs that ended by themselves, by the rules of restart.h
 *
 * It looks at a VM only between operations, whenever one ended and when something is due.
 *
 * Owns     one timer for all VMs.
 * Thread   the loop's.
 */
#pragma once

#include <uv.h>

struct daemon;
struct vm;

struct restarter {
	struct daemon *d; /* NULL: not started */
	uv_timer_t timer;
};

void restarter_init(struct restarter *r, struct daemon *d);

/* Once it is known which VMs run: before, each that does would count as one that ended. */
void restarter_start(struct restarter *r, struct daemon *d);
void restarter_stop(struct restarter *r);

/* Look at all VMs, soon. */
void restarter_wake(struct restarter *r);

/* Go on with what the state of @vm says. */
void restarter_load(struct vm *vm);

/* Forget what was counted: an operator starts it.  The start writes it down. */
void restarter_reset(struct vm *vm);
