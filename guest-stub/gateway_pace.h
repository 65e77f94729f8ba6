/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_pace: when a guest registers with its gateway, and whether its tunnel lives
 *
 * Pure: time is told.  A tunnel lives while bytes come out of it, which something sent by GATEWAY_LOOK_MS makes them do:
 * an echo is answered, or at least what WireGuard sends back within 10 s of what it was sent.
 *
 * Limits   a gateway that does not answer is asked again after GATEWAY_PAUSE_MS, doubled up to GATEWAY_PAUSE_MAX_MS, or
 *	    up to GATEWAY_PAUSE_LOST_MAX_MS by those who had a tunnel: theirs is to be back within 30 s of the gateway.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	GATEWAY_AGAIN_MS = 180000, /* dstack's: who comes again is known to live */
	GATEWAY_PAUSE_MS = 5000,
	GATEWAY_PAUSE_MAX_MS = 60000,
	GATEWAY_PAUSE_LOST_MAX_MS = 20000,
	GATEWAY_SILENT_MS =
		15000, /* registered, but nothing comes: again after this, doubled each time */
	GATEWAY_LOOK_MS = 4000,
	GATEWAY_LOOK_SOON_MS = 1000, /* while a tunnel is awaited */
	GATEWAY_DEAD_MS = 16000,
	GATEWAY_RENEW_MS = 10000,
	GATEWAY_MOVE_MS =
		60000, /* a gateway whose tunnel is dead for so long makes way for the next */
};

struct gateway_pace {
	uint64_t next_ms;  /* the next registration */
	uint64_t ok_ms;	   /* of the last that went well */
	uint64_t since_ms; /* and since when all did */
	uint64_t moved_ms, renewed_ms, look_ms;
	uint64_t received; /* bytes, when it was last looked */
	unsigned int pause_ms, silent_ms;
	bool is_registered;	 /* the last attempt went well */
	bool was_registered;	 /* any did */
	bool is_alive, has_died; /* died: it lived before */
};

enum gateway_pace_event {
	GATEWAY_PACE_NOTHING,
	GATEWAY_PACE_LIVES, /* it does now */
	GATEWAY_PACE_DIED,
};

void gateway_pace_init(struct gateway_pace *p, uint64_t now_ms);

/* What came of a registration.  @random: any number, so that guests do not come all at once. */
void gateway_pace_registered(struct gateway_pace *p, uint64_t now_ms, bool is_ok, uint32_t random);

/* Register now, whatever was planned; not before the pause after a failure. */
void gateway_pace_hurry(struct gateway_pace *p, uint64_t now_ms);

/* The peers were looked at: so many bytes came from all of them. */
enum gateway_pace_event gateway_pace_looked(struct gateway_pace *p, uint64_t now_ms,
					    uint64_t received);

/* Each said once: after true, again after its time. */
bool gateway_pace_is_due(const struct gateway_pace *p, uint64_t now_ms);
bool gateway_pace_wants_look(const struct gateway_pace *p, uint64_t now_ms);
bool gateway_pace_wants_renewal(struct gateway_pace *p, uint64_t now_ms);

/* Is this gateway's tunnel dead for so long, though it answers, that another is better?  Then register with that now. */
bool gateway_pace_wants_another(struct gateway_pace *p, uint64_t now_ms);

/* Milliseconds until any of it is wanted. */
unsigned int gateway_pace_wait(const struct gateway_pace *p, uint64_t now_ms);
