/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quoting: quotes for who asks the agent, one at a time, off its loop
 *
 * A quote of real hardware takes a tenth of a second, and half a minute when the machine's quoting service is
 * busy.  So it is made by a thread; and as one of several users of a machine's one quoting service, the guest
 * never asks twice at once.
 *
 * Owns     what waits.  Stopping is not foreseen: the agent lives until it is killed.
 * Invariant the log that goes with a quote is the one that its register replays to: the runtime log is locked
 *	    while both are taken.  The app goes before strangers.
 * Limits   QUOTING_APP_MAX and QUOTING_PUBLIC_MAX wait; strangers get QUOTING_PUBLIC_RATE a second together.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "loop/rate.h"
#include "tee/event_log.h"
#include "tee/tee.h"

enum {
	QUOTING_APP_MAX = 32,
	QUOTING_PUBLIC_MAX = 8,
	QUOTING_PUBLIC_RATE = 2,
	QUOTING_PUBLIC_BURST = 6,
};

/* What came of it.  Borrowed, for the call only. */
struct quoting_result {
	int r; /* 0, or negative and @e says why; the rest is of a success */
	struct err e;
	struct buf quote;
	struct event_log runtime;
	uint8_t report_data[TEE_REPORT_DATA_SIZE];
};

typedef void (*quoting_done_fn)(void *arg, const struct quoting_result *result);

struct quoting_job;

struct quoting {
	uv_loop_t *loop; /* borrowed, as the next two */
	const struct tee *tee;
	int log;			     /* directory of the runtime log */
	struct quoting_job *running, *first; /* the one being made; those that wait, in order */
	size_t n_app, n_public;		     /* that wait */
	struct rate strangers;
};

void quoting_init(struct quoting *q, uv_loop_t *loop, const struct tee *tee, int log);

/**
 * quoting_take() - a quote over @report_data (copied)
 * @is_public: a stranger asked
 *
 * Return: 0, and @done runs once from the loop; ERR_LIMIT, ERR_MISSING without a TEE, and it never runs.
 */
int quoting_take(struct quoting *q, const uint8_t report_data[static TEE_REPORT_DATA_SIZE],
		 bool is_public, quoting_done_fn done, void *arg, struct err *e);
