/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op: something that is done to one VM, step by step, one after the other
 *
 * Each VM has a queue; its operations run in order, those of other VMs beside it.  An operation is
 * a table of steps.  A step runs on the loop and ends, then or later, with op_next().  When one
 * fails, the undo of it and of each step before it runs, last first: what was begun is taken back.
 *
 * Owns     nothing but its place in the queue; `done` frees what holds it.
 * Borrows  the VM, which lives while it has operations.
 * Thread   the loop's; op_work() is the way to the thread pool.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct op;
struct vm;

typedef void (*op_fn)(struct op *op);

struct op_step {
	const char *
		doing; /* "starting QEMU": put before the reason when it fails, but for a leading '-' */
	op_fn run;     /* NULL ends the table */
	op_fn undo; /* may be NULL; must bear that run failed half way; ends with op_next() too */
};

struct op {
	struct vm *vm;
	const char *name; /* "start" */
	const struct op_step *steps;
	op_fn done;   /* runs once, after the last step or undo; rc and err say how it went */
	bool is_last; /* the VM goes with it: what is queued behind it is refused, ERR_BAD_STATE */
	bool may_cancel; /* op_cancel() takes it back */
	int rc;
	struct err err;
	/* private */
	size_t at;
	uint64_t begun_ms;
	int result;	       /* of the step that just ended */
	const char *cancelled; /* why; NULL: it is not */
	bool has_begun, has_result, is_in_step, is_undoing, is_over;
	int (*work)(struct op *op, struct err *e);
	int work_rc;
	struct err work_err;
	struct op *next;
};

/* Append to its VM's queue; it may begin, or be refused (ERR_BAD_STATE), before this returns. */
void op_queue(struct op *op);

/* The step is over.  @rc < 0: it failed, and op->err says why. */
void op_next(struct op *op, int rc);

/*
 * Take back each operation in the queue of @vm that may be: one that has not begun does nothing, one that has is undone
 * after its present step, unless that is the last.  Its rc is -ECANCELED, its err @why (a literal).
 */
void op_cancel(struct vm *vm, const char *why);

/* All is done already: no further step. */
void op_finish(struct op *op);

/*
 * Run @work on a worker thread, then op_next() with its result.  It may touch only what the operation
 * itself owns.
 */
void op_work(struct op *op, int (*work)(struct op *op, struct err *e));
