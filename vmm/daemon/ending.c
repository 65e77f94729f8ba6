/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ending.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/disk_guard.h"
#include "daemon/hostlink.h"
#include "daemon/lifecycle.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"

static struct ending *ending_of(struct op *op)
{
	return (struct ending *)op;
}

void ending_init(struct ending *x, struct vm *vm, const char *name, const struct op_step *steps,
		 op_fn done)
{
	x->op = (struct op){ .vm = vm, .name = name, .steps = steps, .done = done };
	/* It was short enough when the VM started. */
	(void)vsock_paths(vm->d->config->run, vm->short_id, &x->sockets, NULL);
	x->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
}

void ending_deinit(struct ending *x)
{
	x->dirfd = fd_close(x->dirfd);
}

static int save(struct op *op, struct err *e)
{
	return disk_guard_save(op->vm->d->disk, ending_of(op)->dirfd, &ending_of(op)->state, e);
}

void ending_save(struct op *op)
{
	ending_of(op)->state = op->vm->state;
	op_work(op, save);
}

void ending_asked(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (r->rc)
		op->err = r->err;
	op_next(op, r->rc);
}

void ending_kill(struct op *op)
{
	ending_of(op)->had_process = op->vm->is_running;
	hypervisor_kill(op->vm->d->hypervisor, op->vm->manifest.id, ending_asked, op);
}

void ending_unlisten(struct op *op)
{
	hostlink_close(op->vm);
	op_next(op, 0);
}

static int drop_carrier(struct op *op, struct err *e)
{
	return vsock_process_stop(&ending_of(op)->sockets, e);
}

void ending_uncarry(struct op *op)
{
	op_work(op, drop_carrier);
}

void ending_forget(struct op *op)
{
	hypervisor_forget(op->vm->d->hypervisor, op->vm->manifest.id, ending_asked, op);
}

void ending_record(struct op *op)
{
	const struct ending *x = ending_of(op);
	struct vm *vm = op->vm;
	bool was_wanted = vm->state.stop != VM_STOP_NONE;

	vm->is_running = false;
	vm->qemu_pid = 0;
	vm->state.stop = VM_STOP_NONE;
	if (!x->had_process && !was_wanted) {
		op_next(op, 0);
		return;
	}
	vm->state.running = false;
	if (x->had_process) {
		vm->state.exit = x->exit;
		vm->state.exited_at_ms = time_unix_ms();
	}
	if (x->had_process && x->exit == VM_EXIT_POWER_OFF)
		vm->state.started = false;
	ending_save(op);
}

static const struct op_step record_steps[] = {
	{ "-recording what is wanted", ending_save, NULL },
	{ NULL, NULL, NULL },
};

static void recorded(struct op *op)
{
	struct ending *x = ending_of(op);

	if (op->rc)
		log_error("vm %s: cannot keep its state: %s", op->vm->short_id, op->err.text);
	ending_deinit(x);
	free(x);
}

void vm_record(struct vm *vm)
{
	struct ending *x = xnew(struct ending);

	ending_init(x, vm, "record", record_steps, recorded);
	op_queue(&x->op);
}

void vm_wants_off(struct vm *vm)
{
	/* Asked to by the host that goes down, it is to run when that is back. */
	if (!vm->state.started || vm->d->is_host_down)
		return;
	vm->state.started = false;
	vm_record(vm);
}
