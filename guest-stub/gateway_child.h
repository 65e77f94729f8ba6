/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_child: what PID 1 does about a gateway: starts the process that speaks to it, and hears of it
 *
 * The boot never waits for it.  What it says ends up in a notice to the host; it is started again when it ends.
 *
 * Owns     its end of the socket.
 * Borrows  supervisor and notices.
 * Trusts   the process, which reads what gateways say, with a text for the host, of GATEWAY_WORDS_MAX bytes.
 * Limits   one start in GATEWAY_CHILD_PAUSE_MS, doubled up to GATEWAY_CHILD_PAUSE_MAX_MS.
 * Thread   PID 1's only one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct app_compose;
struct err;
struct notices;
struct supervisor;
struct sys_config;

enum {
	GATEWAY_CHILD_PAUSE_MS = 1000,
	GATEWAY_CHILD_PAUSE_MAX_MS = 60000,
	GATEWAY_CHILD_HEARD = 16,      /* words at a time */
	GATEWAY_CHILD_LEAVE_MS = 4000, /* for it to tell the gateway that the app stops */
	GATEWAY_CHILD_DRAIN_MS = 1000, /* for those who are on their way to the app already */
};

struct gateway_child {
	struct supervisor *supervisor; /* NULL: there is none */
	struct notices *notices;
	int fd;		  /* -1: it does not run */
	uint64_t next_ms; /* of a start; 0: not planned */
	unsigned int pause_ms;
	bool is_up;	 /* the app */
	bool has_failed; /* the host was told so, and nothing better since */
	bool was_registered, has_left;
};

/*
 * Pure: can this app have a gateway at all?  Return: 0; ERR_INPUT, with what to change.
 */
int gateway_child_check(const struct app_compose *app, const struct sys_config *sys,
			const char *gateway_app_id, struct err *e);

int gateway_child_start(struct gateway_child *g, struct supervisor *s, struct notices *n,
			struct err *e);
void gateway_child_deinit(struct gateway_child *g);

/* Hear what it says, and start it again if it ended; call it now and then, and when its fd can be read. */
void gateway_child_watch(struct gateway_child *g, uint64_t now_ms);

/* The app runs. */
void gateway_child_tell_up(struct gateway_child *g);

/* The app will be stopped: no new clients.  Waits for a bounded time. */
void gateway_child_leave(struct gateway_child *g);

/* Tell the host that there is no way in. */
void gateway_child_failed(struct notices *n, const char *why);
