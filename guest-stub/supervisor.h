/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: the processes of PID 1, and the two things that may happen to it
 *
 * PID 1 has one thread and one place where it waits: supervisor_pump().  There it reaps (its own children
 * and whatever was orphaned to it) and hears requests to stop.
 *
 * Owns     a signalfd, the read end of the control socket, one slot for each kind of child.
 * Invariant all signals it handles are blocked in PID 1 and unblocked in children.
 * Wire     control: datagrams of one byte from the agent: 'R' it serves, 'S' shut down.  SIGUSR1, SIGUSR2 (busybox
 *	    halt, poweroff) and SIGTERM (reboot) come from inside the guest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum supervisor_kind {
	SUPERVISOR_DHCP,
	SUPERVISOR_NOTIFIER,
	SUPERVISOR_AGENT,
	SUPERVISOR_KEYS, /* asks for keys, and ends */
	SUPERVISOR_GATEWAY,
	SUPERVISOR_SCRIPT, /* init scripts, then the app */
	SUPERVISOR_DISK,   /* programs that make, check and open the data disk */
	SUPERVISOR_KIND_COUNT,
};

enum supervisor_stop {
	SUPERVISOR_RUN,	     /* nobody asked */
	SUPERVISOR_SHUTDOWN, /* the host asked, through the agent */
	SUPERVISOR_POWEROFF, /* somebody in the guest */
	SUPERVISOR_REBOOT,   /* likewise */
};

struct supervisor_slot {
	pid_t pid;	/* 0: none */
	bool has_ended; /* and was reaped */
	int status;	/* as wait() says */
};

struct supervisor {
	int signals, control, control_peer;
	enum supervisor_stop stop;
	bool agent_serves; /* it has said so at least once */
	struct supervisor_slot slots[SUPERVISOR_KIND_COUNT];
};

/* How to start a child.  All borrowed. */
struct supervisor_spawn {
	const char *const *argv; /* argv[0] is looked up in PATH */
	const char *const *env;	 /* NULL: PATH, HOME and TERM only */
	const char *cwd;	 /* NULL: "/" */
	int input;		 /* becomes stdin; -1: /dev/null */
	int extra;		 /* becomes fd 3; -1: none */
};

int supervisor_init(struct supervisor *s, struct err *e);

/* Close what is ours; children go on. */
void supervisor_deinit(struct supervisor *s);

/* Start a child in a session of its own.  The slot must be free or ended. */
int supervisor_start(struct supervisor *s, enum supervisor_kind kind,
		     const struct supervisor_spawn *how, struct err *e);

/* Wait for something to happen, at most @timeout_ms, and take note of it; also wakes for @fd (-1: none).
 * Return: whether @fd is readable or closed. */
bool supervisor_pump(struct supervisor *s, int fd, unsigned int timeout_ms);

/* Pump until the child ends.  Return: 0; -ETIMEDOUT; -ECANCELED as soon as a stop is asked for. */
int supervisor_wait(struct supervisor *s, enum supervisor_kind kind, unsigned int timeout_ms);

/* The same, but not cut short by a request to stop. */
int supervisor_wait_end(struct supervisor *s, enum supervisor_kind kind, unsigned int timeout_ms);

/* Signal the process group of a child that still runs. */
void supervisor_signal(const struct supervisor *s, enum supervisor_kind kind, int signal);

bool supervisor_is_running(const struct supervisor *s, enum supervisor_kind kind);

/* "exited with status 3", "was killed by signal 9 (Killed)".  Return: @dst. */
const char *supervisor_how_it_ended(char *dst, size_t size, int status);
