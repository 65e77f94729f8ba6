/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: the agent is started, and started again when it ends, a bounded number of times
 *
 * Limits   KEEPER_STARTS in all, one in KEEPER_PAUSE_MS.
 */
#pragma once

#include <stdint.h>

struct err;
struct supervisor;

enum { KEEPER_STARTS = 10, KEEPER_PAUSE_MS = 2000 };

struct keeper {
	struct supervisor *supervisor; /* borrowed */
	unsigned int starts;
	uint64_t next_ms; /* not before */
};

enum keeper_verdict {
	KEEPER_FINE,
	KEEPER_WAITS, /* it ended and will be started */
	KEEPER_RESTARTED,
	KEEPER_GAVE_UP, /* said once; afterwards KEEPER_FINE */
};

int keeper_start(struct keeper *k, struct supervisor *s, struct err *e);

/* Look after the agent; call it now and then. */
enum keeper_verdict keeper_watch(struct keeper *k, uint64_t now_ms);
