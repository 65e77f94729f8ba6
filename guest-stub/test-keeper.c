/* SPDX-License-Identifier: Apache-2.0 */
/* test-keeper: this program stands in for the agent: started as "<itself> agent", it ends at once */
#include "guest-stub/keeper.h"

#include <assert.h>

#include "base/err.h"
#include "base/str.h"
#include "guest-stub/supervisor.h"

enum { LONG_MS = 60000 };

static void test_it_is_restarted_after_a_pause_and_not_for_ever(void)
{
	struct supervisor s;
	struct keeper k;
	struct err e = ERR_NONE;
	uint64_t now = 1000;
	unsigned int i;

	assert(supervisor_init(&s, &e) == 0);
	assert(keeper_start(&k, &s, &e) == 0);
	for (i = 1; i < KEEPER_STARTS; i++) {
		assert(supervisor_wait(&s, SUPERVISOR_AGENT, LONG_MS) == 0);
		assert(keeper_watch(&k, now) == KEEPER_WAITS);
		assert(keeper_watch(&k, now + KEEPER_PAUSE_MS - 1) == KEEPER_WAITS);
		now += KEEPER_PAUSE_MS;
		assert(keeper_watch(&k, now) == KEEPER_RESTARTED);
		assert(k.starts == i + 1);
	}
	assert(supervisor_wait(&s, SUPERVISOR_AGENT, LONG_MS) == 0);
	assert(keeper_watch(&k, now) == KEEPER_GAVE_UP);
	assert(keeper_watch(&k, now + LONG_MS) == KEEPER_FINE);
	assert(k.starts == KEEPER_STARTS + 1);
	supervisor_deinit(&s);
}

static void test_one_that_was_never_started_is_left_alone(void)
{
	struct keeper k = { 0 };

	assert(keeper_watch(&k, 1) == KEEPER_FINE);
}

int main(int argc, char **argv)
{
	if (argc == 2 && str_equal(argv[1], "agent"))
		return 3;
	test_it_is_restarted_after_a_pause_and_not_for_ever();
	test_one_that_was_never_started_is_left_alone();
	return 0;
}
