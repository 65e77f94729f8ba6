/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/restarter.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/lifecycle.h"
#include "daemon/reconnect.h"
#include "daemon/vm.h"

static const struct restart_policy *policy_of(const struct vm *vm)
{
	return &vm->d->config->restart;
}

/* What the next write of the state has of it, and what is shown. */
static void put_down(struct vm *vm, uint64_t now)
{
	struct restart_saved s;

	restart_save(&vm->restart, now, time_unix_ms(), &s);
	vm->state.restart_attempts = s.attempts;
	vm->state.restart_gave_up = s.gave_up;
	vm->state.restart_due_ms = s.due_unix_ms;
}

void restarter_load(struct vm *vm)
{
	const struct restart_saved s = { .attempts = vm->state.restart_attempts,
					 .gave_up = vm->state.restart_gave_up,
					 .due_unix_ms = vm->state.restart_due_ms };
	uint64_t now = time_mono_ms();

	vm->restart = restart_load(&s, policy_of(vm), now, time_unix_ms());
	put_down(vm, now);
}

void restarter_reset(struct vm *vm)
{
	vm->restart = RESTART_NULL;
	put_down(vm, time_mono_ms());
}

__attribute__((format(printf, 3, 4))) static void note(struct vm *vm, const char *event,
						       const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vm_note(vm, event, text);
}

static void act(struct vm *vm, enum restart_action what, uint64_t now)
{
	const struct restart_policy *p = policy_of(vm);

	put_down(vm, now);
	switch (what) {
	case RESTART_SCHEDULE:
		if (vm->restart.due_ms > now)
			note(vm, "vmm.auto_restart.scheduled", "in %.1f s",
			     (double)(vm->restart.due_ms - now) / 1000);
		vm_record(vm);
		break;
	case RESTART_GO:
		note(vm, "vmm.auto_restart", "start %u of %u", vm->restart.attempts, p->retries);
		vm_record(vm);
		vm_start_again(vm);
		break;
	case RESTART_GIVE_UP:
		note(vm, "vmm.auto_restart.exhausted",
		     "gave up after %u starts; StartVm (bailey start) begins anew",
		     vm->restart.attempts);
		vm_record(vm);
		break;
	case RESTART_RESET:
		log_info("vm %s: its ends are forgotten", vm->short_id);
		vm_record(vm);
		break;
	case RESTART_WAIT:
	case RESTART_ACTION_COUNT:
	default:
		break;
	}
}

/* Return: true, and when the next look is due, if one is. */
static bool look(struct vm *vm, uint64_t now, uint64_t *ret_ms)
{
	const struct restart_seen seen = { .is_wanted = vm->state.started,
					   .is_up = vm->is_running,
					   .is_reboot = vm->state.exit == VM_EXIT_REBOOT };

	if (vm->is_hidden || vm->is_removing || vm->unusable || vm->queue)
		return false; /* the end of the operation is the next look */
	act(vm, restart_step(&vm->restart, policy_of(vm), seen, now), now);
	return restart_next(&vm->restart, policy_of(vm), ret_ms);
}

static void on_timer(uv_timer_t *t)
{
	struct restarter *r = t->data;
	uint64_t now = time_mono_ms(), at, next = UINT64_MAX;
	struct vm *vm;

	/* Without libvirt an attempt would be spent on nothing; reconnect.c wakes us. */
	if (r->d->is_stopping || r->d->is_host_down || reconnect_check(r->d, NULL))
		return;
	for (vm = r->d->fleet.first; vm; vm = vm->next) {
		if (look(vm, now, &at) && at < next)
			next = at;
	}
	if (next != UINT64_MAX && !uv_is_active((uv_handle_t *)t))
		(void)uv_timer_start(t, on_timer, next > now ? next - now : 1, 0);
}

void restarter_init(struct restarter *r, struct daemon *d)
{
	r->d = NULL;
	(void)uv_timer_init(d->loop, &r->timer);
	r->timer.data = r;
}

void restarter_start(struct restarter *r, struct daemon *d)
{
	r->d = d;
	restarter_wake(r);
}

void restarter_stop(struct restarter *r)
{
	r->d = NULL;
	uv_close((uv_handle_t *)&r->timer, NULL);
}

void restarter_wake(struct restarter *r)
{
	if (r->d)
		(void)uv_timer_start(&r->timer, on_timer, 0, 0);
}
