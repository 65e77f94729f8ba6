/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sever: the operation that ends a VM whose vsock process died
 *
 * QEMU takes no second process, so a guest that lost its first can neither report nor be asked for anything.  The VM is
 * ended firmly and the restarter starts it with a new one, by the rules for every other crash.
 *
 * The process also ends when QEMU does, and is seen before libvirt tells of QEMU's end.  So QEMU gets a moment to be gone;
 * then its own end is the one that counts, and reap.c puts it away.
 */
#include "daemon/lifecycle.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"

enum { QEMU_END_MS = 1000 };

struct sever {
	struct ending end; /* first: cast from it */
	uint64_t generation;
	pid_t qemu;
	bool is_gone; /* QEMU, or the reason to end it */
};

static struct sever *sever_of(struct op *op)
{
	return (struct sever *)op;
}

/*
 * Is QEMU gone, or does it go in a moment?  Where its number is not known, or another's by now, libvirt is asked after
 * that moment.
 */
static bool qemu_ends(const struct sever *s)
{
	auto_close int fd = s->qemu ? (int)syscall(SYS_pidfd_open, s->qemu, 0U) : -1;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc;

	if (s->qemu && fd < 0 && errno == ESRCH)
		return true;
	do {
		rc = poll(&p, 1, QEMU_END_MS);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

static int await_qemu(struct op *op, struct err *e)
{
	struct sever *s = sever_of(op);

	(void)e;
	s->is_gone = vsock_process_is_alive(&s->end.sockets) || qemu_ends(s);
	return 0;
}

static void begin(struct op *op)
{
	const struct vm *vm = op->vm;
	struct sever *s = sever_of(op);

	/* One that is on its way down goes on with that; a later boot has a process of its own. */
	if (!vm->is_running || !vm->state.started || vm->is_removing ||
	    vm->state.generation != s->generation) {
		op_finish(op);
		return;
	}
	s->qemu = vm->qemu_pid;
	op_work(op, await_qemu);
}

static void seen(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (!r->rc &&
	    (!r->n_domains || r->domains[0].state != HYPERVISOR_RUNNING || r->domains[0].is_ending))
		op_finish(op); /* its end is told by an event */
	else
		ending_asked(arg, r);
}

static void look(struct op *op)
{
	if (sever_of(op)->is_gone)
		op_finish(op);
	else
		hypervisor_query(op->vm->d->hypervisor, op->vm->manifest.id, seen, op);
}

/* Before QEMU is ended: another life of the daemon finds it ended and knows why (adopt.c). */
static void tell(struct op *op)
{
	struct vm *vm = op->vm;

	log_error("vm %s: its vsock process died, and QEMU takes no other: ending QEMU",
		  vm->short_id);
	vm_note(vm, "vmm.vsock_died", "the guest cannot be reached any more; ending QEMU");
	vm->state.exit = VM_EXIT_VSOCK;
	ending_save(op);
}

static void kill_qemu(struct op *op)
{
	inject_point("sever.kill");
	ending_kill(op);
}

static const struct op_step steps[] = {
	{ "-beginning", begin, NULL },
	{ "looking for QEMU", look, NULL },
	{ "-recording why", tell, NULL },
	{ "ending QEMU", kill_qemu, NULL },
	{ "-hanging up", ending_unlisten, NULL },
	{ "removing its sockets", ending_uncarry, NULL },
	{ "forgetting its domain", ending_forget, NULL },
	{ "-recording the end", ending_record, NULL },
	{ NULL, NULL, NULL },
};

static void finished(struct op *op)
{
	struct sever *s = sever_of(op);

	if (op->rc) {
		log_error("vm %s: cannot end it: %s", op->vm->short_id, op->err.text);
		vm_note(op->vm, "vmm.stop_failed", op->err.text);
		if (op->vm->is_running)
			op->vm->state.exit = VM_EXIT_NONE;
	} else if (s->end.had_process && !op->vm->is_running) {
		vm_note(op->vm, "vmm.stopped", s->end.why);
	}
	ending_deinit(&s->end);
	free(s);
}

void vm_sever(struct vm *vm)
{
	struct sever *s = xnew(struct sever);

	ending_init(&s->end, vm, "sever", steps, finished);
	s->end.exit = VM_EXIT_VSOCK;
	(void)str_copy(s->end.why, sizeof(s->end.why), "its vsock process died");
	s->generation = vm->state.generation;
	op_queue(&s->end.op);
}
