/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_keeper: looks at the logs of running VMs now and then, so that no guest fills the host's disk
 *
 * Owns     a timer.  One look at a time, on a worker thread.
 */
#pragma once

#include <stdbool.h>

#include <uv.h>

struct daemon;

enum {
	LOG_KEEPER_MS = 5 * 1000,
	LOG_KEEPER_SOON_MS = 250, /* while a guest floods, and at first */
};

struct log_keeper {
	struct daemon *d;
	uv_timer_t timer;
	bool is_looking;
};

void log_keeper_start(struct log_keeper *k, struct daemon *d);
/* Look soon: VMs were found that run. */
void log_keeper_wake(struct log_keeper *k);

void log_keeper_stop(struct log_keeper *k);
