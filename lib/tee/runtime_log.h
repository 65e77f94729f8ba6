/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_log: events into a register and into a file, as one step
 *
 * Owns     the files of its directory (dstack: /run/log/dstack):
 *	    runtime_event_version  "1" or "2", written once
 *	    runtime_event.lock     held (flock) over extend and append
 *	    runtime_events.log     0600, one event a line (event.h)
 * Invariant a line is appended only after the register accepted its digest.
 */
#pragma once

#include <stddef.h>

#include "tee/event_log.h"

struct err;
struct tee;

/* Choose how digests are made.  Return: 0; ERR_CONFLICT if another version was chosen before. */
int runtime_log_init(int dirfd, unsigned int version, struct err *e);

/* Measure one event.  Return: 0; ERR_BAD_STATE before runtime_log_init(); what the register says. */
int runtime_log_emit(int dirfd, const struct tee *t, const char *name, const void *payload,
		     size_t n, struct err *e);

/*
 * Keep events out until runtime_log_unlock(): what is read of log and register meanwhile goes together.
 * Return: what to unlock, or negative.
 */
int runtime_log_lock(int dirfd, struct err *e);
void runtime_log_unlock(int lock);

/* All events so far; none if there is no file.  The caller deinits @ret. */
int runtime_log_read(int dirfd, struct event_log *ret, struct err *e);
