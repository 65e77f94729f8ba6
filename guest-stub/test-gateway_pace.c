/* SPDX-License-Identifier: Apache-2.0 */
/* test-gateway_pace: a guest's days with its gateway, told by a clock of the test's */
#undef NDEBUG
#include "guest-stub/gateway_pace.h"

#include <assert.h>

enum { T0 = 1000000 };

static struct gateway_pace registered(uint64_t at)
{
	struct gateway_pace p;

	gateway_pace_init(&p, at);
	assert(gateway_pace_is_due(&p, at) && !gateway_pace_wants_look(&p, at));
	gateway_pace_registered(&p, at, true, 0);
	return p;
}

/* And its tunnel is up a second later. */
static struct gateway_pace living(uint64_t at)
{
	struct gateway_pace p = registered(at);

	assert(gateway_pace_looked(&p, at + 1000, 92) == GATEWAY_PACE_LIVES);
	return p;
}

static void test_those_away_are_asked_with_growing_pauses(void)
{
	static const unsigned int pauses[] = { 5, 10, 20, 40, 60, 60 };
	struct gateway_pace p;
	uint64_t now = T0;
	unsigned int i;

	gateway_pace_init(&p, now);
	for (i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		gateway_pace_registered(&p, now, false, 0);
		assert(!gateway_pace_is_due(&p, now + 1000ull * pauses[i] - 1));
		now += 1000ull * pauses[i];
		assert(gateway_pace_is_due(&p, now));
	}
	gateway_pace_registered(&p, now, true, 0);
	gateway_pace_registered(&p, now, false, 0);
	assert(p.next_ms == now + GATEWAY_PAUSE_MS);
}

static void test_jitter_makes_it_sooner_only(void)
{
	struct gateway_pace p;
	uint32_t random;

	for (random = 0; random < 5000; random += 37) {
		p = registered(T0);
		gateway_pace_registered(&p, T0, false, random);
		assert(p.next_ms <= T0 + GATEWAY_PAUSE_MS &&
		       p.next_ms >= T0 + GATEWAY_PAUSE_MS / 8 * 7);
	}
}

static void test_it_comes_again(void)
{
	struct gateway_pace p = living(T0);

	assert(!gateway_pace_is_due(&p, T0 + GATEWAY_AGAIN_MS - 1));
	assert(gateway_pace_is_due(&p, T0 + GATEWAY_AGAIN_MS));
	assert(gateway_pace_wait(&p, T0 + 1000) == GATEWAY_LOOK_MS);
	gateway_pace_hurry(&p, T0 + 1000);
	assert(gateway_pace_is_due(&p, T0 + 1000));
}

static void test_a_failure_is_not_hurried(void)
{
	struct gateway_pace p = living(T0);

	gateway_pace_registered(&p, T0, false, 0);
	gateway_pace_hurry(&p, T0);
	assert(!gateway_pace_is_due(&p, T0 + GATEWAY_PAUSE_MS - 1));
}

static void test_a_restarted_gateway(void)
{
	struct gateway_pace p = living(T0);
	uint64_t now = T0 + 1000;
	enum gateway_pace_event ev = GATEWAY_PACE_NOTHING;

	assert(!gateway_pace_wants_renewal(&p, now));
	while (ev == GATEWAY_PACE_NOTHING) {
		now = p.look_ms;
		ev = gateway_pace_looked(&p, now, 92);
	}
	/* noticed within 20 s of the last byte */
	assert(ev == GATEWAY_PACE_DIED && now <= T0 + 1000 + 20000);
	assert(gateway_pace_is_due(&p, now) && gateway_pace_wants_renewal(&p, now));
	assert(!gateway_pace_wants_renewal(&p, now + GATEWAY_RENEW_MS - 1));
	gateway_pace_registered(&p, now, false, 0);
	assert(gateway_pace_wants_renewal(&p, now + GATEWAY_RENEW_MS));
	/* the peer is new: it counts from 0, which is no sign of life */
	assert(gateway_pace_looked(&p, now + 11000, 0) == GATEWAY_PACE_NOTHING && !p.is_alive);
	assert(gateway_pace_looked(&p, now + 12000, 92) == GATEWAY_PACE_LIVES);
	/* it may have forgotten us: at once, failure or not */
	assert(gateway_pace_is_due(&p, now + 12000));
	gateway_pace_registered(&p, now + 12000, true, 0);
	assert(p.next_ms == now + 12000 + GATEWAY_AGAIN_MS && p.pause_ms == 0);
}

static void test_a_lost_gateway_is_asked_often(void)
{
	struct gateway_pace p = living(T0);
	int i;

	for (i = 0; i < 9; i++)
		gateway_pace_registered(&p, T0, false, 0);
	assert(p.next_ms == T0 + GATEWAY_PAUSE_LOST_MAX_MS);
}

static void test_a_tunnel_that_never_lives(void)
{
	struct gateway_pace p = registered(T0);

	assert(gateway_pace_wants_look(&p, T0 + GATEWAY_LOOK_SOON_MS));
	assert(gateway_pace_looked(&p, T0 + 1000, 0) == GATEWAY_PACE_NOTHING);
	assert(p.look_ms == T0 + 2000 && p.next_ms == T0 + GATEWAY_SILENT_MS);
	assert(!gateway_pace_wants_renewal(&p, T0 + GATEWAY_DEAD_MS - 1));
	assert(gateway_pace_wants_renewal(&p, T0 + GATEWAY_DEAD_MS));
	gateway_pace_registered(&p, T0 + 15000, true, 0);
	assert(p.next_ms == T0 + 15000 + 2 * GATEWAY_SILENT_MS);
	assert(!gateway_pace_wants_another(&p, T0 + GATEWAY_MOVE_MS - 1));
	assert(gateway_pace_wants_another(&p, T0 + GATEWAY_MOVE_MS));
	assert(gateway_pace_is_due(&p, T0 + GATEWAY_MOVE_MS));
	/* the next one has its time, too */
	gateway_pace_registered(&p, T0 + GATEWAY_MOVE_MS, true, 0);
	assert(!gateway_pace_wants_another(&p, T0 + 2 * GATEWAY_MOVE_MS - 1));
	assert(gateway_pace_wants_another(&p, T0 + 2 * GATEWAY_MOVE_MS));
	gateway_pace_registered(&p, T0, true, 0);
	gateway_pace_registered(&p, T0, true, 0);
	gateway_pace_registered(&p, T0, true, 0);
	assert(p.next_ms == T0 + GATEWAY_AGAIN_MS);
}

int main(void)
{
	test_those_away_are_asked_with_growing_pauses();
	test_jitter_makes_it_sooner_only();
	test_it_comes_again();
	test_a_failure_is_not_hurried();
	test_a_restarted_gateway();
	test_a_lost_gateway_is_asked_often();
	test_a_tunnel_that_never_lives();
	return 0;
}
