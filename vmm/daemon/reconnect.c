/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reconnect.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/hostlink.h"
#include "daemon/lifecycle.h"
#include "daemon/op.h"
#include "daemon/restarter.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"

/* Looks at the domain of a VM when what was queued before is over. */
struct meeting {
	struct ending end; /* first: cast from it */
	struct hypervisor_domain domain;
	bool is_known;
};

static struct meeting *meeting_of(struct op *op)
{
	return (struct meeting *)op;
}

static void seen(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (!r->rc && r->n_domains) {
		meeting_of(op)->domain = r->domains[0];
		meeting_of(op)->is_known = true;
	}
	ending_asked(arg, r);
}

static void look(struct op *op)
{
	hypervisor_query(op->vm->d->hypervisor, op->vm->manifest.id, seen, op);
}

/* A start that was cut off: it failed, and what came of it all the same is nobody's. */
static void end_unknown(struct op *op)
{
	const struct meeting *m = meeting_of(op);

	if (op->vm->is_running || m->domain.state == HYPERVISOR_ABSENT) {
		op_finish(op);
		return;
	}
	if (m->domain.state == HYPERVISOR_RUNNING)
		log_warn("vm %s: ending QEMU of a start that failed", op->vm->short_id);
	ending_kill(op);
}

static const struct op_step steps[] = {
	{ "looking for its domain", look, NULL },
	{ "ending QEMU", end_unknown, NULL },
	{ "-hanging up", ending_unlisten, NULL },
	{ "ending its vsock", ending_uncarry, NULL },
	{ "forgetting its domain", ending_forget, NULL },
	{ NULL, NULL, NULL },
};

/* What is_running says and what is there differ, or something that was wanted was cut off. */
static void bring_together(struct vm *vm, const struct hypervisor_domain *dom)
{
	if (!vm->is_running)
		return;
	if (dom->state != HYPERVISOR_RUNNING) {
		log_info("vm %s: QEMU ended while libvirt was away", vm->short_id);
		vm_reap(vm, dom->reason, VM_EXIT_NONE);
		return;
	}
	vm->qemu_pid = dom->pid;
	hostlink_check(vm);
	if (vm->state.stop == VM_STOP_KILL)
		vm_stop(vm, NULL, NULL);
	else if (vm->state.stop == VM_STOP_ASK)
		vm_halt(vm, NULL, NULL);
}

static void finished(struct op *op)
{
	struct meeting *m = meeting_of(op);
	struct vm *vm = op->vm;

	if (op->rc)
		log_warn("vm %s: %s", vm->short_id, op->err.text);
	else if (m->is_known && !vm->is_removing && !vm->d->is_stopping)
		bring_together(vm, &m->domain);
	ending_deinit(&m->end);
	free(m);
}

static void meet(struct vm *vm)
{
	struct meeting *m;

	if (vm->is_hidden) /* its creation may end with it; a start comes after that */
		return;
	if (vm->is_removing) {
		if (!vm->is_marking)
			vm_resume_removal(vm);
		return;
	}
	m = xnew(struct meeting);
	ending_init(&m->end, vm, "reconnect", steps, finished);
	op_queue(&m->end.op);
}

void reconnect_on_link(void *arg, bool is_up)
{
	struct daemon *d = arg;
	struct vm *vm, *next;

	if (d->is_stopping)
		return;
	if (!is_up) {
		log_error("libvirt: %s; VMs go on", hypervisor_trouble(d->hypervisor));
		notify("STATUS=libvirt is away; VMs go on, and nothing can be started or stopped");
		return;
	}
	log_info("libvirt: connected again");
	notify("STATUS=serving");
	for (vm = d->fleet.first; vm; vm = next) {
		next = vm->next;
		meet(vm);
	}
	restarter_wake(&d->restarts);
}

int reconnect_check(const struct daemon *d, struct err *e)
{
	const char *why = d->hypervisor ? hypervisor_trouble(d->hypervisor) : NULL;

	return why ? err_set(e, ERR_HYPERVISOR, "%s", why) : 0;
}
