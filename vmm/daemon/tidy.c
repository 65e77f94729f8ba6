/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tidy: the operation that rewrites a VM's file of events when it has grown long
 *
 * On a worker, as it waits for the disk, which no guest's call is to wait for.  In the VM's queue, as nobody may make
 * a file in a folder that is being deleted.
 */
#include "daemon/lifecycle.h"

#include <errno.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/op.h"
#include "daemon/vm.h"

struct tidy {
	struct op op; /* first: cast from it */
	struct events_rewrite rewrite;
};

static struct tidy *tidy_of(struct op *op)
{
	return (struct tidy *)op;
}

static int write_aside(struct op *op, struct err *e)
{
	(void)e;
	events_rewrite_run(&tidy_of(op)->rewrite);
	return 0; /* how it went is asked in the end */
}

static void begin(struct op *op)
{
	int rc = events_rewrite_begin(&op->vm->events, &tidy_of(op)->rewrite);

	if (rc)
		op_next(op, rc);
	else
		op_work(op, write_aside);
}

static void put_in_place(struct op *op)
{
	int rc = events_rewrite_end(&tidy_of(op)->rewrite, &op->vm->events);

	if (rc == -ESTALE)
		op_finish(op);
	else
		op_next(op, rc ? err_errno(&op->err, -rc, "cannot write it") : 0);
}

static int sync_folder(struct op *op, struct err *e)
{
	int rc = events_rewrite_sync(&tidy_of(op)->rewrite);

	return rc ? err_errno(e, -rc, "cannot sync the folder") : 0;
}

static void settle(struct op *op)
{
	op_work(op, sync_folder);
}

static const struct op_step steps[] = {
	{ "-writing it aside", begin, NULL },
	{ "-putting it in place", put_in_place, NULL },
	{ "-settling it", settle, NULL },
	{ NULL, NULL, NULL },
};

static void finished(struct op *op)
{
	struct tidy *t = tidy_of(op);

	op->vm->is_tidying = false;
	if (op->rc)
		log_warn("vm %s: its file of events stays long: %s", op->vm->short_id,
			 op->err.text);
	events_rewrite_deinit(&t->rewrite);
	free(t);
}

void vm_tidy_events(struct vm *vm)
{
	struct tidy *t;

	if (vm->is_tidying || !events_want_rewrite(&vm->events))
		return;
	vm->is_tidying = true;
	t = xnew(struct tidy);
	t->rewrite = (struct events_rewrite){ .dirfd = -1, .fd = -1 };
	t->op = (struct op){ .vm = vm, .name = "tidy", .steps = steps, .done = finished };
	op_queue(&t->op);
}
