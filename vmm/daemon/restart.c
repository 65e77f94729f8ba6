/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restart.h"

#include <assert.h>

enum sight {
	SIGHT_OFF, /* nobody wants it to run */
	SIGHT_UP,
	SIGHT_HEALTHY, /* up for long enough, and there is something to forget */
	SIGHT_EARLY,   /* down, and its time has not come */
	SIGHT_DUE,     /* down, and it has */
	SIGHT_SPENT,   /* down, and all starts were made */
	SIGHT_COUNT,
};

struct rule {
	enum restart_action action;
	enum restart_phase next;
};

static const struct rule rules[RESTART_PHASE_COUNT][SIGHT_COUNT] = {
	[RESTART_QUIET] = {
		[SIGHT_OFF] = { RESTART_RESET, RESTART_QUIET },
		[SIGHT_UP] = { RESTART_WAIT, RESTART_QUIET },
		[SIGHT_HEALTHY] = { RESTART_RESET, RESTART_QUIET },
		[SIGHT_EARLY] = { RESTART_SCHEDULE, RESTART_SCHEDULED },
		[SIGHT_DUE] = { RESTART_SCHEDULE, RESTART_SCHEDULED },
		[SIGHT_SPENT] = { RESTART_GIVE_UP, RESTART_GAVE_UP },
	},
	[RESTART_SCHEDULED] = {
		[SIGHT_OFF] = { RESTART_RESET, RESTART_QUIET },
		[SIGHT_UP] = { RESTART_WAIT, RESTART_SCHEDULED },
		[SIGHT_HEALTHY] = { RESTART_RESET, RESTART_QUIET },
		[SIGHT_EARLY] = { RESTART_WAIT, RESTART_SCHEDULED },
		[SIGHT_DUE] = { RESTART_GO, RESTART_SCHEDULED },
		[SIGHT_SPENT] = { RESTART_GIVE_UP, RESTART_GAVE_UP },
	},
	[RESTART_GAVE_UP] = {
		[SIGHT_OFF] = { RESTART_RESET, RESTART_QUIET },
		[SIGHT_UP] = { RESTART_WAIT, RESTART_GAVE_UP },
		[SIGHT_HEALTHY] = { RESTART_RESET, RESTART_QUIET },
		[SIGHT_EARLY] = { RESTART_WAIT, RESTART_GAVE_UP },
		[SIGHT_DUE] = { RESTART_WAIT, RESTART_GAVE_UP },
		[SIGHT_SPENT] = { RESTART_WAIT, RESTART_GAVE_UP },
	},
};

/* first, 2 first, 4 first, ... and never more than most; without overflow. */
static uint64_t delay(const struct restart_policy *p, uint32_t attempts)
{
	uint64_t ms = p->first_ms;

	for (; attempts > 0 && ms < p->most_ms; attempts--)
		ms = ms > p->most_ms / 2 ? p->most_ms : 2 * ms;
	return ms < p->most_ms ? ms : p->most_ms;
}

static bool has_history(const struct restart *r)
{
	return r->phase != RESTART_QUIET || r->attempts > 0;
}

static enum sight look(const struct restart *r, const struct restart_policy *p,
		       struct restart_seen seen, uint64_t now_ms)
{
	if (!seen.is_wanted || !p->is_enabled)
		return SIGHT_OFF;
	if (seen.is_up && has_history(r) && now_ms - r->up_since_ms >= p->healthy_ms)
		return SIGHT_HEALTHY;
	if (seen.is_up)
		return SIGHT_UP;
	if (r->attempts >= p->retries)
		return SIGHT_SPENT;
	return now_ms >= r->due_ms ? SIGHT_DUE : SIGHT_EARLY;
}

enum restart_action restart_step(struct restart *r, const struct restart_policy *p,
				 struct restart_seen seen, uint64_t now_ms)
{
	const struct rule *rule;
	bool had_history = has_history(r);

	assert(r->phase < RESTART_PHASE_COUNT);
	if (seen.is_up && !r->is_up)
		r->up_since_ms = now_ms;
	r->is_up = seen.is_up;
	rule = &rules[r->phase][look(r, p, seen, now_ms)];
	r->phase = rule->next;
	switch (rule->action) {
	case RESTART_SCHEDULE:
		r->due_ms = now_ms + (seen.is_reboot && !r->attempts ? 0 : p->first_ms);
		break;
	case RESTART_GO:
		r->attempts++;
		r->due_ms = now_ms + delay(p, r->attempts);
		break;
	case RESTART_RESET:
		r->attempts = 0;
		r->due_ms = 0;
		return had_history ? RESTART_RESET : RESTART_WAIT;
	case RESTART_WAIT:
	case RESTART_GIVE_UP:
	case RESTART_ACTION_COUNT:
	default:
		break;
	}
	return rule->action;
}

bool restart_next(const struct restart *r, const struct restart_policy *p, uint64_t *ret_ms)
{
	if (!p->is_enabled || !has_history(r))
		return false;
	if (!r->is_up && r->phase != RESTART_SCHEDULED)
		return false;
	*ret_ms = r->is_up ? r->up_since_ms + p->healthy_ms : r->due_ms;
	return true;
}

void restart_save(const struct restart *r, uint64_t now_ms, uint64_t now_unix_ms,
		  struct restart_saved *ret)
{
	*ret = (struct restart_saved){ .attempts = r->attempts,
				       .gave_up = r->phase == RESTART_GAVE_UP };
	if (r->phase == RESTART_SCHEDULED)
		ret->due_unix_ms = now_unix_ms + (r->due_ms > now_ms ? r->due_ms - now_ms : 0);
}

struct restart restart_load(const struct restart_saved *s, const struct restart_policy *p,
			    uint64_t now_ms, uint64_t now_unix_ms)
{
	struct restart r = { .attempts = s->attempts };
	uint64_t left;

	if (s->gave_up) {
		r.phase = RESTART_GAVE_UP;
	} else if (s->due_unix_ms) {
		left = s->due_unix_ms > now_unix_ms ? s->due_unix_ms - now_unix_ms : 0;
		r.phase = RESTART_SCHEDULED;
		r.due_ms = now_ms + (left < p->most_ms ? left : p->most_ms);
	}
	return r;
}
