/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/agent_probe.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/hostlink.h"
#include "daemon/vm.h"
#include "host-api/guest_call.h"

struct agent_probe {
	struct agent_probe *next;
	struct daemon *d;
	char id[VM_ID_MAX + 1];
	uint64_t generation, seq; /* of its last event when we asked */
	struct guest_call *call;
};

static void answered(void *arg, const char *json, size_t n, const struct err *e)
{
	struct agent_probe *p = arg, **at = &p->d->probes;
	struct vm *vm = fleet_find(&p->d->fleet, p->id);

	(void)n;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (!json)
		log_debug("vm %.8s: its agent does not answer yet: %s", p->id, e->text);
	else if (vm && vm->is_running && vm->state.generation == p->generation &&
		 vm->events.last_seq == p->seq && !*vm->boot_error)
		vm_set(&vm->boot_progress, "running");
	free(p);
}

void agent_probe_start(struct vm *vm)
{
	struct guest_call_options o = { .loop = vm->d->loop,
					.client = vm->d->http,
					.method = "Info",
					.timeout_ms = vm->d->config->guest_timeout_ms };
	struct agent_probe *p = xnew(struct agent_probe);
	struct carrier_address address;
	struct err e = ERR_NONE;

	hostlink_address(vm, &address);
	o.address = &address;
	p->d = vm->d;
	p->generation = vm->state.generation;
	p->seq = vm->events.last_seq;
	(void)str_copy(p->id, sizeof(p->id), vm->manifest.id);
	p->next = vm->d->probes;
	vm->d->probes = p;
	if (guest_call_start(&p->call, &o, answered, p, &e)) {
		log_debug("vm %s: its agent cannot be asked: %s", vm->short_id, e.text);
		vm->d->probes = p->next;
		free(p);
	}
}

void agent_probe_stop(struct daemon *d)
{
	struct agent_probe *p;

	while ((p = d->probes) != NULL) {
		d->probes = p->next;
		guest_call_cancel(p->call);
		free(p);
	}
}
