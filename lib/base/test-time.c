/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/time.h"

#include <assert.h>
#include <string.h>

static void duration(uint64_t s, const char *want)
{
	char d[96];

	assert(strcmp(time_duration(d, sizeof(d), s), want) == 0);
}

static void test_durations_read_as_dstack_prints_them(void)
{
	duration(9420, "2h 37m");
	duration(0, "0s");
	duration(172800, "2days");
	duration(62, "1m 2s");
	duration(31557600 + 2630016 + 86400 + 1, "1year 1month 1day 1s");
}

static void test_rfc3339(void)
{
	char d[32];

	assert(strcmp(time_rfc3339(d, sizeof(d), 1785500000), "2026-07-31T12:13:20Z") == 0);
}

static void test_monotonic_never_goes_back(void)
{
	uint64_t a = time_mono_ms();

	assert(time_mono_ms() >= a);
}

int main(void)
{
	test_durations_read_as_dstack_prints_them();
	test_rfc3339();
	test_monotonic_never_goes_back();
	return 0;
}
