/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnels: when each peer of the WireGuard interface last had a handshake
 *
 * Asked of wg(8) now and then, on a thread of the pool; a tunnel that lives has one every two minutes.  While peers are
 * new it is asked more often, so that an operator soon sees their first.  Each asking takes at most a twentieth of the
 * time, however many peers there are.
 *
 * Owns     the run that is under way.
 * Trusts   nothing of what the program prints: a line that is no key and no time ends the reading.
 * Limits   TUNNELS_TEXT_MAX bytes of it: more than all peers that may be registered.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "gateway/wg.h"

struct tunnels;

enum {
	TUNNELS_ASK_MS = 5000,
	TUNNELS_HURRIED_MS = 1000,
	TUNNELS_HURRY_MS = 60 * 1000,
	TUNNELS_SHARE = 20,
	TUNNELS_TEXT_MAX = 8 * 1024 * 1024
};

struct tunnels_options {
	uv_loop_t *loop;
	const char *program, *interface; /* borrowed; interface NULL: nothing is ever asked */
	/* Of each peer; @seconds since 1970, 0: never. */
	void (*on_handshake)(const uint8_t key[WG_KEY], uint64_t seconds, void *arg);
	void (*on_done)(void *arg); /* after each whole answer; NULL: nobody */
	void *arg;
};

void tunnels_start(struct tunnels **ret, const struct tunnels_options *o);

/* Now and then: asks if it is time. */
void tunnels_tick(struct tunnels *t);

/* There is a new peer: ask every TUNNELS_HURRIED_MS for TUNNELS_HURRY_MS. */
void tunnels_hurry(struct tunnels *t);

/* Pure: from one answer to the next asking, of which @rest_ms are what its share of the time leaves free. */
uint64_t tunnels_wait_ms(uint64_t rest_ms, bool is_hurried);

/* No callback comes after; what is under way goes on, and the memory is gone after it.  NULL is allowed. */
void tunnels_stop(struct tunnels *t);

/*
 * Pure: the next line of `wg show IF latest-handshakes`, "BASE64 of 32 bytes TAB seconds NEWLINE", off the front of
 * @p.  Return: 1 and what it says; 0 at the end; ERR_INPUT.
 */
int tunnels_next(const char **p, size_t *n, uint8_t ret_key[static WG_KEY], uint64_t *ret_seconds);
