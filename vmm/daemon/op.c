/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/op.h"

#include <assert.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"
#include "loop/work.h"

static void run(struct op *op)
{
	const struct op_step *s = &op->steps[op->at];

	if (op->is_undoing)
		log_debug("vm %s: %s: undoing: %s", op->vm->short_id, op->name, s->doing);
	else
		log_debug("vm %s: %s: %s", op->vm->short_id, op->name, s->doing);
	if (op->is_undoing && s->undo)
		s->undo(op);
	else if (op->is_undoing)
		op_next(op, 0);
	else
		s->run(op);
}

/* `done` may free the operation, and the removal of a VM frees the VM with its empty queue. */
static void finish(struct op *op)
{
	struct vm *vm = op->vm;
	struct daemon *d = vm->d;
	struct op *next = op->next;

	assert(vm->queue == op);
	vm->queue = next;
	if (!next)
		d->n_busy--;
	op->done(op);
	if (next)
		run(next);
	daemon_idle(d);
}

void op_queue(struct op *op)
{
	struct op **p = &op->vm->queue;

	op->at = 0;
	op->next = NULL;
	op->is_undoing = false;
	op->rc = 0;
	op->err = ERR_NONE;
	while (*p)
		p = &(*p)->next;
	*p = op;
	if (op->vm->queue != op)
		return;
	op->vm->d->n_busy++;
	run(op);
}

static void fail(struct op *op, int rc)
{
	op->rc = rc;
	if (op->steps[op->at].doing[0] != '-')
		(void)err_wrap(&op->err, rc, "%s", op->steps[op->at].doing);
	op->is_undoing = true;
	run(op);
}

void op_next(struct op *op, int rc)
{
	if (op->is_undoing) {
		if (op->at-- > 0)
			run(op);
		else
			finish(op);
		return;
	}
	if (rc < 0) {
		fail(op, rc);
		return;
	}
	op->at++;
	if (op->steps[op->at].run)
		run(op);
	else
		finish(op);
}

void op_finish(struct op *op)
{
	assert(!op->is_undoing);
	finish(op);
}

static void work_run(void *arg)
{
	struct op *op = arg;

	op->work_err = ERR_NONE;
	op->work_rc = op->work(op, &op->work_err);
}

static void work_done(void *arg)
{
	struct op *op = arg;

	/* While undoing, the first failure is the one to report. */
	if (op->work_rc < 0 && !op->is_undoing)
		op->err = op->work_err;
	else if (op->work_rc < 0)
		log_warn("vm %s: %s: undoing: %s", op->vm->short_id, op->name, op->work_err.text);
	op_next(op, op->work_rc);
}

void op_work(struct op *op, int (*work)(struct op *op, struct err *e))
{
	op->work = work;
	work_start(op->vm->d->loop, work_run, work_done, op);
}
