/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart: when a VM that ended by itself is started again, and when that is given up
 *
 * After the first end it waits `first`; after each start that it makes, twice as long as before, up to `most`; after
 * `retries` starts it gives up.  A VM that was up for `healthy` begins anew, and so does one that an operator
 * starts or stops.  dstack's rules and numbers ("vmm.md" 6.7).  A guest that reboots is started at once the first time.
 *
 * A pure machine: the clock is given, in milliseconds that do not jump; vm-state.json keeps what another life of the daemon
 * needs (restart_load(), restart_save()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct restart_policy {
	bool is_enabled;
	uint32_t retries;
	uint64_t first_ms, most_ms, healthy_ms;
};

enum restart_phase {
	RESTART_QUIET,	   /* no start is planned */
	RESTART_SCHEDULED, /* the next start is due at due_ms, if it is down then */
	RESTART_GAVE_UP,
	RESTART_PHASE_COUNT,
};

struct restart {
	enum restart_phase phase;
	uint32_t attempts; /* starts of ours since it was last healthy */
	uint64_t due_ms;
	bool is_up;
	uint64_t up_since_ms; /* when it was first seen up */
};

#define RESTART_NULL ((struct restart){ .phase = RESTART_QUIET })

/* How the VM is now. */
struct restart_seen {
	bool is_wanted; /* the operator wants it to run */
	bool is_up;	/* it has a process */
	bool is_reboot; /* when down: the guest asked to be started again */
};

enum restart_action {
	RESTART_WAIT,
	RESTART_SCHEDULE, /* a first start was planned */
	RESTART_GO,	  /* start it now; counted already */
	RESTART_GIVE_UP,  /* said once */
	RESTART_RESET,	  /* what was counted is forgotten */
	RESTART_ACTION_COUNT,
};

/* Look at it at @now_ms.  Return: what to do, once. */
enum restart_action restart_step(struct restart *r, const struct restart_policy *p,
				 struct restart_seen seen, uint64_t now_ms);

/* When the next look is worth it.  Return: false if only an event can change something. */
bool restart_next(const struct restart *r, const struct restart_policy *p, uint64_t *ret_ms);

/* What is kept on disk; the time by the clock of the day, 0: none. */
struct restart_saved {
	uint32_t attempts;
	bool gave_up;
	uint64_t due_unix_ms;
};

void restart_save(const struct restart *r, uint64_t now_ms, uint64_t now_unix_ms,
		  struct restart_saved *ret);

/*
 * Go on where another life stopped.  A clock that was set back or forward meanwhile makes the wait no longer than
 * the longest, and no shorter than nothing.
 */
struct restart restart_load(const struct restart_saved *s, const struct restart_policy *p,
			    uint64_t now_ms, uint64_t now_unix_ms);
