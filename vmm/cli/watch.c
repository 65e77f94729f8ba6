/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch.h"

#include <errno.h>
#include <time.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/exit.h"

static void pause_ms(long ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL); /* cut short by a signal: one look more */
}

int watch(const struct api *a, const char *id, uint64_t timeout_ms, watch_fn fn, void *arg,
	  struct err *e)
{
	uint64_t begun = time_mono_ms(), seen = begun, now;
	json_t *vm;
	int rc;

	for (;;) {
		vm = NULL;
		rc = api_vm(a, id, 1, &vm, e);
		if (rc == 0)
			rc = fn(vm, arg, e);
		json_decref(vm);
		now = time_mono_ms();
		if (rc > 0)
			return 0;
		if (rc < 0 && (rc != ERR_UNREACHABLE || now - seen > WATCH_AWAY_MS))
			return rc;
		if (rc == 0)
			seen = now;
		if (now - begun > timeout_ms)
			return -ETIMEDOUT;
		pause_ms(WATCH_STEP_MS);
	}
}
