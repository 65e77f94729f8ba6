/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop: the operation that ends a VM
 */
#include "daemon/lifecycle.h"

#include <string.h>

#include <uv.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"

struct stop {
	struct ending end;   /* first: cast from it */
	uv_timer_t deadline; /* then the caller is answered; the operation goes on */
	vm_done_fn done;
	void *arg;
};

static struct stop *stop_of(struct op *op)
{
	return (struct stop *)op;
}

/* What is wanted is written down before it is done: a crash between is finished at the next start. */
static void want_stopped(struct op *op)
{
	bool was_started = op->vm->state.started;

	op->vm->state.started = false;
	if (was_started)
		ending_save(op);
	else
		op_next(op, 0);
}

static const struct op_step stop_steps[] = {
	{ "-recording what is wanted", want_stopped, NULL },
	{ "ending QEMU", ending_kill, NULL },
	{ "-hanging up", ending_unlisten, NULL },
	{ "ending its vsock", ending_uncarry, NULL },
	{ "forgetting its domain", ending_forget, NULL },
	{ "-recording the end", ending_record, NULL },
	{ NULL, NULL, NULL },
};

static void deadline_closed(uv_handle_t *h)
{
	free(h->data);
}

static void too_long(uv_timer_t *t)
{
	struct stop *s = t->data;
	struct err e = ERR_NONE;

	(void)err_set(&e, ERR_BAD_STATE,
		      "it is still on its way down after %u s, and goes on (stop.kill)",
		      s->end.op.vm->d->config->stop_timeout_ms / 1000);
	log_warn("vm %s: %s", s->end.op.vm->short_id, e.text);
	if (s->done)
		s->done(s->arg, e.code, &e);
	s->done = NULL;
}

static void finished(struct op *op)
{
	struct stop *s = stop_of(op);

	if (op->rc)
		log_error("vm %s: cannot %s: %s", op->vm->short_id, op->name, op->err.text);
	else if (s->end.had_process && !op->vm->is_running)
		vm_note(op->vm, "vmm.stopped", s->end.why);
	ending_deinit(&s->end);
	if (s->done)
		s->done(s->arg, op->rc, &op->err);
	uv_close((uv_handle_t *)&s->deadline, deadline_closed);
}

void vm_stop(struct vm *vm, vm_done_fn done, void *arg)
{
	struct stop *s = xnew(struct stop);

	ending_init(&s->end, vm, "stop", stop_steps, finished);
	s->end.exit = VM_EXIT_KILLED;
	(void)str_copy(s->end.why, sizeof(s->end.why), "killed");
	s->done = done;
	s->arg = arg;
	(void)uv_timer_init(vm->d->loop, &s->deadline);
	s->deadline.data = s;
	(void)uv_timer_start(&s->deadline, too_long, vm->d->config->stop_timeout_ms, 0);
	op_queue(&s->end.op);
}
