/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_pace.h"

enum { SHARE = 8 /* by an eighth sooner: jitter */ };

void gateway_pace_init(struct gateway_pace *p, uint64_t now_ms)
{
	*p = (struct gateway_pace){ .next_ms = now_ms };
}

static uint64_t sooner(uint64_t wait_ms, uint32_t random)
{
	return wait_ms - wait_ms / SHARE * (random % 1024) / 1024;
}

static unsigned int doubled(unsigned int ms, unsigned int least, unsigned int most)
{
	if (ms == 0)
		return least;
	return 2 * ms < most ? 2 * ms : most;
}

void gateway_pace_registered(struct gateway_pace *p, uint64_t now_ms, bool is_ok, uint32_t random)
{
	if (!p->is_registered)
		p->since_ms = now_ms;
	p->is_registered = is_ok;
	if (!is_ok) {
		p->pause_ms = doubled(p->pause_ms, GATEWAY_PAUSE_MS,
				      p->was_registered ? GATEWAY_PAUSE_LOST_MAX_MS
							: GATEWAY_PAUSE_MAX_MS);
		p->next_ms = now_ms + sooner(p->pause_ms, random);
		return;
	}
	if (!p->was_registered)
		p->moved_ms = p->renewed_ms = now_ms; /* there is a tunnel from now on */
	p->was_registered = true;
	p->pause_ms = 0;
	p->ok_ms = now_ms;
	p->next_ms = now_ms + sooner(GATEWAY_AGAIN_MS, random);
	if (!p->is_alive) {
		p->silent_ms = doubled(p->silent_ms, GATEWAY_SILENT_MS, GATEWAY_AGAIN_MS);
		p->next_ms = now_ms + p->silent_ms;
		p->look_ms = now_ms + GATEWAY_LOOK_SOON_MS;
	}
}

void gateway_pace_hurry(struct gateway_pace *p, uint64_t now_ms)
{
	if (p->is_registered && p->next_ms > now_ms)
		p->next_ms = now_ms;
}

enum gateway_pace_event gateway_pace_looked(struct gateway_pace *p, uint64_t now_ms,
					    uint64_t received)
{
	bool has_moved = received > p->received, was_alive = p->is_alive;

	p->received = received; /* less than before: the peer was made anew */
	if (has_moved) {
		p->moved_ms = now_ms;
		p->is_alive = true;
	} else if (now_ms - p->moved_ms >= GATEWAY_DEAD_MS) {
		p->is_alive = false;
	}
	p->look_ms = now_ms + (p->is_alive || p->has_died ? GATEWAY_LOOK_MS : GATEWAY_LOOK_SOON_MS);
	if (p->is_alive == was_alive)
		return GATEWAY_PACE_NOTHING;
	p->silent_ms = 0;
	if (!p->is_alive) {
		p->has_died = true;
		gateway_pace_hurry(p, now_ms);
		return GATEWAY_PACE_DIED;
	}
	if (p->has_died) /* a gateway that was away may have forgotten us */
		p->next_ms = now_ms;
	else if (p->is_registered)
		p->next_ms = p->ok_ms + GATEWAY_AGAIN_MS;
	p->has_died = false;
	return GATEWAY_PACE_LIVES;
}

bool gateway_pace_is_due(const struct gateway_pace *p, uint64_t now_ms)
{
	return now_ms >= p->next_ms;
}

bool gateway_pace_wants_look(const struct gateway_pace *p, uint64_t now_ms)
{
	return p->was_registered && now_ms >= p->look_ms;
}

bool gateway_pace_wants_renewal(struct gateway_pace *p, uint64_t now_ms)
{
	if (!p->was_registered || p->is_alive || now_ms - p->moved_ms < GATEWAY_DEAD_MS ||
	    now_ms - p->renewed_ms < GATEWAY_RENEW_MS)
		return false;
	p->renewed_ms = now_ms;
	return true;
}

bool gateway_pace_wants_another(struct gateway_pace *p, uint64_t now_ms)
{
	uint64_t from = p->moved_ms > p->since_ms ? p->moved_ms : p->since_ms;

	if (!p->is_registered || p->is_alive || now_ms - from < GATEWAY_MOVE_MS)
		return false;
	p->is_registered = false;
	p->next_ms = now_ms;
	return true;
}

unsigned int gateway_pace_wait(const struct gateway_pace *p, uint64_t now_ms)
{
	uint64_t at = p->next_ms;

	if (p->was_registered && p->look_ms < at)
		at = p->look_ms;
	return at > now_ms ? (unsigned int)(at - now_ms) : 0;
}
