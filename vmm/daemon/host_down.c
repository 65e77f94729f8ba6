/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host_down.h"

#include "base/err.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/lifecycle.h"
#include "daemon/vm.h"

enum { US_PER_MS = 1000, SPARE_MS = 30 * 1000 };

static size_t n_running(const struct daemon *d)
{
	const struct vm *vm;
	size_t n = 0;

	for (vm = d->fleet.first; vm; vm = vm->next)
		n += vm->is_running;
	return n;
}

/* The rest is ended with the host. */
static void too_late(uv_timer_t *t)
{
	struct daemon *d = t->data;

	log_warn("baileyd: %zu VMs did not stop in time (stop.host_timeout)", n_running(d));
	daemon_stop(d);
}

static void tell_manager(uint64_t ms)
{
	char text[128];

	/* however long the unit says: our own limit ends it */
	(void)str_format(text, sizeof(text),
			 "EXTEND_TIMEOUT_USEC=%llu\nSTATUS=asking guests to stop",
			 (unsigned long long)(ms + SPARE_MS) * US_PER_MS);
	notify(text);
}

void host_down_begin(struct daemon *d)
{
	const struct config *c = d->config;
	struct vm *vm, *next;

	if (d->is_host_down || d->is_stopping)
		return;
	log_info("baileyd: the host goes down%s",
		 c->host_down_asks ? ": asking guests to stop" : "; guests are left to it");
	if (!c->host_down_asks) {
		daemon_stop(d);
		return;
	}
	d->is_host_down = true;
	tell_manager(c->host_down_ms);
	(void)uv_timer_start(&d->patience, too_late, c->host_down_ms, 0);
	for (vm = d->fleet.first; vm; vm = next) {
		next = vm->next;
		if (!vm->is_removing && !vm->is_hidden)
			vm_halt_with_host(vm);
	}
	host_down_idle(d);
}

void host_down_idle(struct daemon *d)
{
	if (d->is_host_down && !d->is_stopping && d->n_busy == 0 && n_running(d) == 0) {
		log_info("baileyd: no VM runs any more");
		daemon_stop(d);
	}
}

int host_down_check(const struct daemon *d, struct err *e)
{
	return d->is_host_down ? err_set(e, ERR_BAD_STATE, "the host is going down") : 0;
}
