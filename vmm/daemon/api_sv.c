/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_sv: dstack's view of the processes behind VMs (SvList, SvStop, SvRemove)
 *
 * There a supervisor runs QEMU and keeps a record of each process; here libvirt does.  So the records are told
 * from the VMs: one for each VM that was ever started, until SvRemove puts it out of the list, which lasts until the
 * VM's next start or the daemon's.  How QEMU ended is not ours to know: it is no child of ours.
 */
#include "daemon/api_service.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/op.h"
#include "daemon/scratch.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"

/* As dstack's supervisor has it of a VM's process; clients look into it. */
#define NOTE "{\"kind\":\"cvm\",\"live_for\":null,\"serial_logappend\":true}"

static const Bailey__Empty empty = BAILEY__EMPTY__INIT;

static bool has_record(const struct vm *vm)
{
	return !vm->is_hidden && vm->state.generation &&
	       (vm->is_running || vm->state.generation != vm->sv_removed);
}

static const char *status_of(const struct vm *vm)
{
	if (vm->is_running)
		return "running";
	return vm->state.started ? "exited(unknown)" : "stopped";
}

static Bailey__Vmm__SvProcessInfo *process(const struct vm *vm, const struct host_caps *caps,
					   struct scratch *s)
{
	Bailey__Vmm__SvProcessInfo *p = scratch_new(s, Bailey__Vmm__SvProcessInfo);

	bailey__vmm__sv_process_info__init(p);
	p->id = scratch_lend(vm->manifest.id);
	p->name = vm->manifest.name;
	p->status = scratch_lend(status_of(vm));
	if (vm->is_running && vm->qemu_pid > 0) {
		p->has_pid_case = BAILEY__VMM__SV_PROCESS_INFO__HAS_PID_PID;
		p->pid = (uint32_t)vm->qemu_pid;
	}
	p->command = scratch_lend(caps->emulator);
	p->note = scratch_lend(NOTE);
	return p;
}

void api_sv_list(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Vmm__SvListResponse out = BAILEY__VMM__SV_LIST_RESPONSE__INIT;
	auto_scratch struct scratch s = SCRATCH_NULL;
	const struct daemon *d = ctx;
	const struct vm *vm;

	(void)in;
	out.processes = scratch_list(&s, d->fleet.n);
	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (has_record(vm))
			out.processes[out.n_processes++] =
				process(vm, hypervisor_caps(d->hypervisor), &s);
	}
	rpc_reply(call, &out.base);
}

/* The VM of a record; NULL when the call was refused with @absent. */
static struct vm *find(struct rpc_call *call, const struct daemon *d, const ProtobufCMessage *in,
		       const char *absent)
{
	const char *id = ((const Bailey__Id *)in)->id;
	struct vm *vm = vm_id_is_valid(id) ? fleet_find(&d->fleet, id) : NULL;
	struct err e = ERR_NONE;

	if (d->is_stopping)
		(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
	else if (!vm_id_is_valid(id))
		(void)err_set(&e, ERR_INPUT, VM_ID_INVALID);
	else if (!vm || !has_record(vm))
		(void)err_set(&e, ERR_NOT_FOUND, "%s", absent);
	else if (vm->is_removing)
		(void)err_set(&e, ERR_BAD_STATE, "VM is being removed");
	else
		return vm;
	rpc_fail(call, &e);
	return NULL;
}

/* QEMU is ended and what it left put away by its event, as if it had ended by itself. */
struct sv_stop {
	struct op op; /* first: cast from it */
	struct rpc_call *call;
};

static void asked(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (r->rc)
		op->err = r->err;
	op_next(op, r->rc);
}

static void kill_domain(struct op *op)
{
	if (op->vm->is_running)
		hypervisor_kill(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
	else
		op_next(op, 0);
}

static const struct op_step steps[] = {
	{ "ending QEMU", kill_domain, NULL },
	{ NULL, NULL, NULL },
};

static void stopped(struct op *op)
{
	struct sv_stop *s = (struct sv_stop *)op;

	if (op->rc)
		rpc_fail(s->call, &op->err);
	else
		rpc_reply(s->call, &empty.base);
	free(s);
}

/* Without touching what is wanted of the VM: it is not StopVm. */
void api_sv_stop(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct vm *vm = find(call, ctx, in, "Supervisor process not found");
	struct sv_stop *s;

	if (!vm)
		return;
	s = xnew(struct sv_stop);
	s->op = (struct op){ .vm = vm, .name = "sv-stop", .steps = steps, .done = stopped };
	s->call = call;
	op_queue(&s->op);
}

void api_sv_remove(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct vm *vm = find(call, ctx, in, "Server returned error: Process not found");
	struct err e = ERR_NONE;

	if (!vm)
		return;
	if (vm->is_running || vm->state.started) {
		(void)err_set(&e, ERR_BAD_STATE, "Server returned error: Process is %s",
			      vm->is_running ? "running" : "started");
		rpc_fail(call, &e);
		return;
	}
	vm->sv_removed = vm->state.generation;
	rpc_reply(call, &empty.base);
}
