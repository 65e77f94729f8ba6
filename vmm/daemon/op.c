/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/op.h"

#include <assert.h>
#include <errno.h>

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/counts.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"
#include "loop/work.h"

/* Begin the step or the undo that op->at names. */
static void step(struct op *op)
{
	const struct op_step *s = &op->steps[op->at];

	log_debug("vm %s: %s: %s%s", op->vm->short_id, op->name, op->is_undoing ? "undoing: " : "",
		  s->doing);
	op->is_in_step = true;
	if (!op->is_undoing)
		s->run(op);
	else if (s->undo)
		s->undo(op);
	else
		op->has_result = true;
	op->is_in_step = false;
}

static void fail(struct op *op)
{
	const char *doing = op->steps[op->at].doing;

	op->rc = op->result;
	if (*doing != '-')
		(void)err_wrap(&op->err, op->rc, "%s", doing);
	op->is_undoing = true;
}

/* Without the name of a step: none failed. */
static void take_back(struct op *op)
{
	op->rc = err_set(&op->err, -ECANCELED, "%s", op->cancelled);
	if (op->has_begun)
		op->is_undoing = true;
	else
		op->is_over = true;
}

/* From what the last step came to, to the next.  Return: false if there is none. */
static bool advance(struct op *op)
{
	if (op->is_over)
		return false;
	if (op->is_undoing)
		return op->at-- > 0;
	if (op->cancelled && !op->has_begun) {
		take_back(op);
		return false;
	}
	if (!op->has_begun) {
		op->has_begun = true;
		op->begun_ms = time_mono_ms();
		return op->steps[0].run != NULL;
	}
	if (op->result < 0) {
		fail(op);
		return true; /* its own undo comes first */
	}
	if (op->cancelled && op->steps[op->at + 1].run) {
		take_back(op);
		return true;
	}
	op->at++;
	return op->steps[op->at].run != NULL;
}

/*
 * `done` may free the operation, and the removal of a VM frees the VM with its empty queue.
 * Return: the VM's next operation, ready to begin; NULL if there is none.
 */
static struct op *finish(struct op *op)
{
	struct vm *vm = op->vm;
	struct daemon *d = vm->d;
	struct op *next = op->next;

	assert(vm->queue == op);
	if (d->counts)
		counts_op(d->counts, op->name, op->rc, time_mono_ms() - op->begun_ms);
	vm->queue = next;
	if (!next)
		d->n_busy--;
	op->done(op);
	daemon_idle(d);
	return next;
}

/* Go on until a step has to wait, or the VM has no more to do. */
static void drive(struct op *op)
{
	while (op && op->has_result) {
		op->has_result = false;
		if (advance(op)) {
			step(op);
		} else {
			op = finish(op);
			if (op)
				op->has_result = true;
		}
	}
}

/* The VM is on its way out, or not ours to touch; the operation must not wait for a turn that never comes. */
static void refuse(struct op *op, const char *why)
{
	op->rc = err_set(&op->err, ERR_BAD_STATE, "%s", why);
	op->done(op);
}

void op_queue(struct op *op)
{
	struct op **p = &op->vm->queue;
	bool is_closed = false;

	op->at = 0;
	op->next = NULL;
	op->rc = op->result = 0;
	op->err = ERR_NONE;
	op->cancelled = NULL;
	op->is_undoing = op->is_over = op->has_begun = op->is_in_step = op->has_result = false;
	for (; *p; p = &(*p)->next)
		is_closed = is_closed || (*p)->is_last;
	if (is_closed || op->vm->unusable) {
		refuse(op, is_closed ? "VM is being removed" : op->vm->unusable);
		return;
	}
	*p = op;
	if (op->vm->queue != op)
		return;
	op->vm->d->n_busy++;
	op->has_result = true;
	drive(op);
}

void op_cancel(struct vm *vm, const char *why)
{
	struct op *op;

	for (op = vm->queue; op; op = op->next) {
		if (op->may_cancel && !op->cancelled)
			op->cancelled = why;
	}
}

void op_next(struct op *op, int rc)
{
	op->result = rc;
	op->has_result = true;
	if (!op->is_in_step)
		drive(op);
}

void op_finish(struct op *op)
{
	assert(!op->is_undoing);
	op->is_over = true;
	op_next(op, 0);
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
