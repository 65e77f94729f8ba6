/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relink: notices that the connection to libvirt is cut, and says when to try again
 *
 * Owns     a way to the loop for libvirt's threads, and a timer.
 * Thread   the loop's, but for relink_cut().
 */
#pragma once

#include <stdint.h>

#include <uv.h>

struct err;

enum {
	RELINK_FIRST_MS = 500, /* twice as long after each attempt that failed */
	RELINK_LONGEST_MS = 10 * 1000,
};

struct relink {
	uv_async_t cut;
	uv_timer_t timer;
	unsigned int n_handles; /* inits less close callbacks */
	uint64_t wait_ms;
	void (*on_cut)(void *arg);
	void (*on_due)(void *arg);
	void (*closed)(void *arg);
	void *arg;
};

/* @on_cut may run without cause, and late.  Return: 0 or negative; then nothing was started. */
int relink_start(struct relink *r, uv_loop_t *loop, void (*on_cut)(void *arg),
		 void (*on_due)(void *arg), void *arg, struct err *e);
void relink_stop(struct relink *r, void (*closed)(void *arg));

/* Run on_cut, soon, on the loop.  Any thread. */
void relink_cut(struct relink *r);

/* Run on_due: at once if nothing failed since relink_made(), else later each time. */
void relink_again(struct relink *r);

/* It is connected. */
void relink_made(struct relink *r);
