/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

static uint64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts); /* cannot fail for these two clocks */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t time_mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

uint64_t time_unix_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

const char *time_duration(char *dst, size_t size, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *one, *many;
	} units[] = {
		{ 31557600, "year", "years" },
		{ 2630016, "month", "months" },
		{ 86400, "day", "days" },
		{ 3600, "h", "h" },
		{ 60, "m", "m" },
		{ 1, "s", "s" },
	};
	size_t i, used = 0;
	uint64_t n;
	int rc;

	(void)snprintf(dst, size, "0s");
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		n = seconds / units[i].seconds;
		seconds %= units[i].seconds;
		if (n == 0)
			continue;
		rc = snprintf(dst + used, size - used, "%s%llu%s", used ? " " : "",
			      (unsigned long long)n, n == 1 ? units[i].one : units[i].many);
		if (rc < 0 || (size_t)rc >= size - used)
			break;
		used += (size_t)rc;
	}
	return dst;
}

const char *time_rfc3339(char *dst, size_t size, uint64_t unix_seconds)
{
	time_t t = (time_t)unix_seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(dst, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(dst, size, "?");
	return dst;
}
