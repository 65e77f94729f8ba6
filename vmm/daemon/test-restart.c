/* SPDX-License-Identifier: Apache-2.0 */
/* The back-off of restarts: dstack's vector ("vmm.md" Appendix C), the ways back, and clocks that jump. */
#include "daemon/restart.h"

#include <assert.h>
#include <stdio.h>

static const struct restart_policy policy = {
	.is_enabled = true, .retries = 3, .first_ms = 2, .most_ms = 5, .healthy_ms = 100
};
static const struct restart_seen down = { .is_wanted = true };
static const struct restart_seen up = { .is_wanted = true, .is_up = true };
static const struct restart_seen off = { .is_wanted = false };
static const struct restart_seen reboot = { .is_wanted = true, .is_reboot = true };

static void expect(struct restart *r, struct restart_seen seen, uint64_t now,
		   enum restart_action want, uint32_t attempts)
{
	enum restart_action got = restart_step(r, &policy, seen, now);

	if (got != want || r->attempts != attempts)
		(void)fprintf(stderr, "at %d: action %d, want %d; attempts %u, want %u\n", (int)now,
			      (int)got, (int)want, r->attempts, attempts);
	assert(got == want && r->attempts == attempts);
}

static struct restart spent(void)
{
	struct restart r = RESTART_NULL;

	expect(&r, down, 0, RESTART_SCHEDULE, 0);
	expect(&r, down, 2, RESTART_GO, 1);
	expect(&r, down, 6, RESTART_GO, 2);
	expect(&r, down, 11, RESTART_GO, 3);
	expect(&r, down, 12, RESTART_GIVE_UP, 3);
	return r;
}

static void test_the_vector_of_dstack(void)
{
	struct restart r = RESTART_NULL;

	expect(&r, down, 0, RESTART_SCHEDULE, 0);
	assert(r.due_ms == 2);
	expect(&r, down, 1, RESTART_WAIT, 0);
	expect(&r, down, 2, RESTART_GO, 1);
	assert(r.due_ms == 6);
	expect(&r, down, 6, RESTART_GO, 2);
	assert(r.due_ms == 11);
	expect(&r, down, 11, RESTART_GO, 3);
	assert(r.due_ms == 16);
	expect(&r, down, 12, RESTART_GIVE_UP, 3);
	expect(&r, down, 13, RESTART_WAIT, 3);
	expect(&r, down, 1000000, RESTART_WAIT, 3);
}

static void test_an_operator_is_a_way_back(void)
{
	struct restart r = spent();

	expect(&r, off, 20, RESTART_RESET, 0);
	expect(&r, off, 21, RESTART_WAIT, 0);
	expect(&r, down, 22, RESTART_SCHEDULE, 0);
	expect(&r, down, 24, RESTART_GO, 1);
}

static void test_health_is_a_way_back(void)
{
	struct restart r = RESTART_NULL;
	uint64_t next;

	expect(&r, down, 0, RESTART_SCHEDULE, 0);
	expect(&r, down, 2, RESTART_GO, 1);
	expect(&r, up, 3, RESTART_WAIT, 1);
	assert(restart_next(&r, &policy, &next) && next == 103);
	expect(&r, up, 102, RESTART_WAIT, 1);
	expect(&r, up, 103, RESTART_RESET, 0);
	assert(!restart_next(&r, &policy, &next));
	expect(&r, up, 104, RESTART_WAIT, 0);
}

static void test_one_that_dies_again_is_not_healthy(void)
{
	struct restart r = RESTART_NULL;

	expect(&r, down, 0, RESTART_SCHEDULE, 0);
	expect(&r, down, 2, RESTART_GO, 1);
	expect(&r, up, 3, RESTART_WAIT, 1);
	expect(&r, down, 90, RESTART_GO, 2); /* its time came while it was up */
	expect(&r, up, 91, RESTART_WAIT, 2);
	expect(&r, up, 110, RESTART_WAIT, 2); /* the time before does not count */
}

static void test_a_reboot_is_at_once_but_counts(void)
{
	struct restart r = RESTART_NULL;

	expect(&r, reboot, 50, RESTART_SCHEDULE, 0);
	expect(&r, reboot, 50, RESTART_GO, 1);
	expect(&r, up, 51, RESTART_WAIT, 1);
	expect(&r, reboot, 52, RESTART_WAIT, 1);
	expect(&r, reboot, 54, RESTART_GO, 2);
}

static void test_the_next_look(void)
{
	struct restart r = RESTART_NULL;
	uint64_t next;

	assert(!restart_next(&r, &policy, &next));
	expect(&r, up, 0, RESTART_WAIT, 0);
	assert(!restart_next(&r, &policy, &next));
	expect(&r, down, 7, RESTART_SCHEDULE, 0);
	assert(restart_next(&r, &policy, &next) && next == 9);
	r = spent();
	assert(!restart_next(&r, &policy, &next));
}

static void test_disabled_does_nothing(void)
{
	struct restart_policy none = policy;
	struct restart r = RESTART_NULL;

	none.is_enabled = false;
	assert(restart_step(&r, &none, down, 0) == RESTART_WAIT);
	assert(restart_step(&r, &none, down, 100) == RESTART_WAIT && r.attempts == 0);
	none = policy;
	none.retries = 0; /* at once, and said once */
	assert(restart_step(&r, &none, down, 0) == RESTART_GIVE_UP);
	assert(restart_step(&r, &none, down, 1) == RESTART_WAIT);
}

static void test_large_numbers_do_not_wrap(void)
{
	const struct restart_policy big = { .is_enabled = true,
					    .retries = UINT32_MAX,
					    .first_ms = UINT64_MAX / 8,
					    .most_ms = UINT64_MAX / 4,
					    .healthy_ms = 1 };
	struct restart r = { .phase = RESTART_SCHEDULED, .attempts = UINT32_MAX - 1 };

	assert(restart_step(&r, &big, down, 7) == RESTART_GO);
	assert(r.due_ms == 7 + UINT64_MAX / 4);
}

/* What comes back in another life, @jump later by the clock of the day. */
static struct restart reborn(const struct restart *r, int64_t jump)
{
	enum { NOW = 12, UNIX = 1000000, REBORN = 5 };
	struct restart_saved s;

	restart_save(r, NOW, UNIX, &s);
	return restart_load(&s, &policy, REBORN, (uint64_t)(UNIX + jump));
}

static void test_another_life_goes_on(void)
{
	struct restart r = { .phase = RESTART_SCHEDULED, .attempts = 2, .due_ms = 16 }, again;

	again = reborn(&r, 1);
	assert(again.phase == RESTART_SCHEDULED && again.attempts == 2 && again.due_ms == 5 + 3);
	again = reborn(&r, 500000); /* long away, or set forward: at once */
	assert(again.due_ms == 5);
	again = reborn(&r, -900000); /* set back: no longer than the longest */
	assert(again.due_ms == 5 + 5);
	r = spent();
	again = reborn(&r, 1);
	assert(again.phase == RESTART_GAVE_UP);
	expect(&again, down, 6, RESTART_WAIT, 3); /* and says it no second time */
	r = RESTART_NULL;
	again = reborn(&r, 1);
	assert(again.phase == RESTART_QUIET && again.attempts == 0);
}

int main(void)
{
	test_the_vector_of_dstack();
	test_an_operator_is_a_way_back();
	test_health_is_a_way_back();
	test_one_that_dies_again_is_not_healthy();
	test_a_reboot_is_at_once_but_counts();
	test_the_next_look();
	test_disabled_does_nothing();
	test_large_numbers_do_not_wrap();
	test_another_life_goes_on();
	return 0;
}
