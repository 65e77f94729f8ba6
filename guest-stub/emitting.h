/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emitting: events that the app adds to what is measured, one at a time, off the agent's loop
 *
 * The runtime log is locked while a quote is made, which may take seconds; so who adds to it waits on a thread.
 *
 * Owns     what waits.  Stopping is not foreseen: the agent lives until it is killed.
 * Borrows  what struct emitting points to; the about is renewed after each event, before its caller is told.
 * Trusts   the app with its own register, but not with names that the guest's own events have: whoever looks for
 *	    the first of a name, or reads on beyond system-ready, must not find the app's.
 * Limits   EMITTING_WAIT_MAX wait.  The log takes EMITTING_EVENTS_MAX events and EMITTING_LOG_MAX bytes of names and
 *	    payloads, as every quote's evidence carries all of it.
 * Thread   the loop's.
 */
#pragma once

#include <stddef.h>

#include <uv.h>

struct about;
struct err;
struct guest_tee;

enum {
	EMITTING_WAIT_MAX = 16,
	EMITTING_EVENTS_MAX = 512,
	EMITTING_LOG_MAX = 128 * 1024,
	EMITTING_PAYLOAD_MAX = 16 * 1024,
};

/* @r: 0, or negative and @e says why. */
typedef void (*emitting_done_fn)(void *arg, int r, const struct err *e);

struct emitting_job;

struct emitting {
	uv_loop_t *loop;
	const struct guest_tee *tee;
	struct about *about;
	int log; /* directory of the runtime log */
	struct emitting_job *running, *first;
	size_t n_waiting;
};

/**
 * emitting_add() - measure one event; name and payload are copied
 *
 * Return: 0, and @done runs once from the loop; ERR_INPUT for a name that is empty or the guest's own, ERR_LIMIT,
 * and it never runs.
 */
int emitting_add(struct emitting *q, const char *name, const void *payload, size_t n,
		 emitting_done_fn done, void *arg, struct err *e);
