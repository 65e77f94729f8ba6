/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap: the operation that puts away what a QEMU left that ended by itself, and says why it ended
 *
 * QEMU knows whether its guest powered off or reset itself; the console knows whether a kernel that reset itself
 * panicked first, and is all there is when no daemon was there to hear QEMU.
 */
#include "daemon/lifecycle.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/last_words.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"

struct reap {
	struct ending end; /* first: cast from it */
	enum hypervisor_reason reason;
	enum vm_exit cause; /* that we know better than QEMU; VM_EXIT_NONE: we do not */
	struct last_words_found words;
};

static struct reap *reap_of(struct op *op)
{
	return (struct reap *)op;
}

static void seen(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (!r->rc && r->n_domains && r->domains[0].state == HYPERVISOR_RUNNING)
		op_finish(op); /* started again since */
	else
		ending_asked(arg, r);
}

static void check_gone(struct op *op)
{
	if (!op->vm->is_running) {
		op_finish(op); /* put away by another operation */
		return;
	}
	reap_of(op)->end.had_process = true;
	hypervisor_query(op->vm->d->hypervisor, op->vm->manifest.id, seen, op);
}

static int read_words(struct op *op, struct err *e)
{
	(void)e;
	last_words_read(reap_of(op)->end.dirfd, &reap_of(op)->words);
	return 0;
}

static void listen_to_words(struct op *op)
{
	op_work(op, read_words);
}

static enum vm_exit exit_of_words(enum last_words w)
{
	static const enum vm_exit exits[LAST_WORDS_COUNT] = {
		[LAST_WORDS_NONE] = VM_EXIT_UNKNOWN,
		[LAST_WORDS_PANIC] = VM_EXIT_PANIC,
		[LAST_WORDS_REBOOT] = VM_EXIT_REBOOT,
		[LAST_WORDS_POWER_OFF] = VM_EXIT_POWER_OFF,
	};

	return exits[w];
}

static enum vm_exit exit_of(enum hypervisor_reason r, enum last_words w)
{
	switch (r) {
	case HYPERVISOR_REASON_POWER_OFF:
		return VM_EXIT_POWER_OFF;
	case HYPERVISOR_REASON_RESET:
		return w == LAST_WORDS_PANIC ? VM_EXIT_PANIC : VM_EXIT_REBOOT;
	case HYPERVISOR_REASON_PANIC:
		return VM_EXIT_PANIC;
	case HYPERVISOR_REASON_DESTROYED:
	case HYPERVISOR_REASON_HOST:
		return VM_EXIT_HOST;
	case HYPERVISOR_REASON_NONE:
	case HYPERVISOR_REASON_SHUTDOWN: /* in good order, unseen */
		return exit_of_words(w);
	case HYPERVISOR_REASON_CRASHED:
	case HYPERVISOR_REASON_FAILED:
	case HYPERVISOR_REASON_COUNT:
	default:
		return VM_EXIT_CRASH;
	}
}

static void conclude(struct op *op)
{
	static const char *const texts[VM_EXIT_COUNT] = {
		[VM_EXIT_STOPPED] = "the guest powered off, as it was asked to",
		[VM_EXIT_POWER_OFF] = "the guest powered off",
		[VM_EXIT_REBOOT] = "the guest rebooted",
		[VM_EXIT_PANIC] = "the guest's kernel panicked",
		[VM_EXIT_CRASH] = "QEMU ended unexpectedly",
		[VM_EXIT_HOST] = "QEMU was ended from outside",
		[VM_EXIT_VSOCK] = "its vsock process died",
		[VM_EXIT_UNKNOWN] = "it ended while baileyd was away",
	};
	struct reap *r = reap_of(op);
	struct ending *x = &r->end;

	x->exit = r->cause ? r->cause : exit_of(r->reason, r->words.what);
	if (x->exit == VM_EXIT_POWER_OFF && !op->vm->state.started)
		x->exit = VM_EXIT_STOPPED; /* the agent said so before */
	(void)str_format(x->why, sizeof(x->why), "%s%s%s", texts[x->exit] ? texts[x->exit] : "",
			 x->exit == VM_EXIT_PANIC && *r->words.text ? ": " : "",
			 x->exit == VM_EXIT_PANIC ? r->words.text : "");
	op_next(op, 0);
}

static const struct op_step steps[] = {
	{ "looking for QEMU", check_gone, NULL },
	{ "-reading its console", listen_to_words, NULL },
	{ "-concluding", conclude, NULL },
	{ "-hanging up", ending_unlisten, NULL },
	{ "ending its vsock", ending_uncarry, NULL },
	{ "forgetting its domain", ending_forget, NULL },
	{ "-recording the end", ending_record, NULL },
	{ NULL, NULL, NULL },
};

static void finished(struct op *op)
{
	struct reap *r = reap_of(op);

	if (op->rc)
		log_error("vm %s: cannot %s: %s", op->vm->short_id, op->name, op->err.text);
	else if (r->end.had_process && !op->vm->is_running)
		vm_note(op->vm, "vmm.stopped", r->end.why);
	ending_deinit(&r->end);
	free(r);
}

void vm_reap(struct vm *vm, enum hypervisor_reason reason, enum vm_exit cause)
{
	struct reap *r = xnew(struct reap);

	ending_init(&r->end, vm, "reap", steps, finished);
	r->reason = reason;
	r->cause = cause;
	op_queue(&r->end.op);
}
