/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/keeper.h"

#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "guest-stub/supervisor.h"

static int start(struct keeper *k, struct err *e)
{
	static const char *const argv[] = { "/proc/self/exe", "agent", NULL };
	const struct supervisor_spawn how = { .argv = argv,
					      .input = -1,
					      .extra = k->supervisor->control_peer };

	k->starts++;
	return supervisor_start(k->supervisor, SUPERVISOR_AGENT, &how, e);
}

int keeper_start(struct keeper *k, struct supervisor *s, struct err *e)
{
	*k = (struct keeper){ .supervisor = s };
	return start(k, e);
}

enum keeper_verdict keeper_watch(struct keeper *k, uint64_t now_ms)
{
	struct err e = ERR_NONE;
	char how[96];

	if (k->starts == 0 || k->starts > KEEPER_STARTS ||
	    supervisor_is_running(k->supervisor, SUPERVISOR_AGENT))
		return KEEPER_FINE;
	if (k->next_ms == 0) {
		log_error("agent: it %s",
			  supervisor_how_it_ended(how, sizeof(how),
						  k->supervisor->slots[SUPERVISOR_AGENT].status));
		k->next_ms = now_ms + KEEPER_PAUSE_MS;
	}
	if (k->starts == KEEPER_STARTS) {
		k->starts++;
		return KEEPER_GAVE_UP;
	}
	if (now_ms < k->next_ms)
		return KEEPER_WAITS;
	k->next_ms = 0;
	if (start(k, &e) < 0)
		log_error("agent: %s", e.text);
	return KEEPER_RESTARTED;
}
