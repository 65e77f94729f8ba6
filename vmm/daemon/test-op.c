/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on a real loop: order, undo, workers, and a VM that goes with its last operation. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/op.h"
#include "daemon/vm.h"

static struct daemon d;
static char trace[256];

static void note(const char *s)
{
	assert(strlen(trace) + strlen(s) + 1 < sizeof(trace));
	(void)strcat(trace, s); /* NOLINT: measured above */
}

static void expect(const char *want)
{
	(void)uv_run(d.loop, UV_RUN_DEFAULT);
	if (!str_equal(trace, want))
		(void)fprintf(stderr, "got \"%s\", want \"%s\"\n", trace, want);
	assert(str_equal(trace, want) && d.n_busy == 0);
	trace[0] = 0;
}

static struct vm *add_vm(uint64_t created)
{
	const struct vm_state s = { .started = false };
	struct manifest m = MANIFEST_NULL;
	struct vm *vm;

	fleet_new_id(&d.fleet, m.id);
	m.name = xstrdup("x");
	m.app_id = xstrdup("");
	m.image = xstrdup("");
	m.created_at_ms = created;
	vm = vm_new(&d, &m, &s, -1);
	fleet_add(&d.fleet, vm);
	return vm;
}

static void a(struct op *op)
{
	note("a");
	op_next(op, 0);
}

static void un_a(struct op *op)
{
	note("-a");
	op_next(op, 0);
}

static int work_ok(struct op *op, struct err *e)
{
	(void)op;
	(void)e;
	return 0;
}

static int work_bad(struct op *op, struct err *e)
{
	(void)op;
	return err_set(e, ERR_MISSING, "no tool");
}

static void b(struct op *op)
{
	note("b");
	op_work(op, work_ok);
}

static void un_b(struct op *op)
{
	note("-b");
	op_work(op, work_bad); /* an undo that fails does not stop the others */
}

static void bad(struct op *op)
{
	note("!");
	op_work(op, work_bad);
}

static void early(struct op *op)
{
	note("e");
	op_finish(op);
}

static void done(struct op *op)
{
	note(op->rc ? ";failed " : ";done ");
	free(op);
}

static void queue(struct vm *vm, const struct op_step *steps)
{
	struct op *op = xnew(struct op);

	*op = (struct op){ .vm = vm, .name = "test", .steps = steps, .done = done };
	op_queue(op);
}

static const struct op_step good_steps[] = {
	{ "a", a, un_a }, { "b", b, un_b }, { "a", a, NULL }, { NULL, NULL, NULL }
};
static const struct op_step bad_steps[] = { { "a", a, un_a },
					    { "b", b, un_b },
					    { "tooling", bad, NULL },
					    { "a", a, un_a },
					    { NULL, NULL, NULL } };
static const struct op_step early_steps[] = { { "e", early, NULL },
					      { "a", a, NULL },
					      { NULL, NULL, NULL } };

static void test_steps_run_in_order_and_are_undone_backwards(void)
{
	struct vm *vm = add_vm(1);

	queue(vm, good_steps);
	expect("aba;done ");
	queue(vm, bad_steps);
	expect("ab!-b-a;failed ");
	queue(vm, early_steps);
	expect("e;done ");
}

static void check_reason(struct op *op)
{
	assert(op->rc == ERR_MISSING && str_equal(op->err.text, "tooling: no tool"));
	done(op);
}

static void test_the_first_failure_is_the_one_reported(void)
{
	struct op *op = xnew(struct op);

	*op = (struct op){
		.vm = d.fleet.first, .name = "test", .steps = bad_steps, .done = check_reason
	};
	op_queue(op);
	expect("ab!-b-a;failed ");
}

static void test_one_vm_waits_for_itself_not_for_others(void)
{
	struct vm *one = d.fleet.first, *two = add_vm(2);

	queue(one, good_steps);
	queue(one, early_steps);
	assert(str_equal(trace, "ab")); /* on the worker; the second waits */
	queue(two, early_steps);
	assert(str_equal(trace, "abe;done ") && d.n_busy == 1);
	expect("abe;done a;done e;done ");
}

static void drop(struct op *op)
{
	struct vm *vm = op->vm;

	free(op);
	fleet_drop(&d.fleet, vm);
	note(";dropped ");
}

static void test_a_vm_may_go_with_its_last_operation(void)
{
	struct op *op = xnew(struct op);

	*op = (struct op){ .vm = d.fleet.first, .name = "test", .steps = good_steps, .done = drop };
	op_queue(op);
	expect("aba;dropped ");
	assert(d.fleet.n == 1);
}

static void refused(struct op *op)
{
	assert(op->rc == ERR_BAD_STATE && strstr(op->err.text, "being removed"));
	free(op);
	note(";refused ");
}

/* StartVm and UpdateVm that came while RemoveVm was under way freed the daemon's ground beneath it. */
static void test_nothing_waits_behind_the_last_operation(void)
{
	struct op *last = xnew(struct op), *late = xnew(struct op);
	struct vm *vm = add_vm(7);

	*last = (struct op){
		.vm = vm, .name = "test", .steps = good_steps, .done = drop, .is_last = true
	};
	*late = (struct op){ .vm = vm, .name = "test", .steps = good_steps, .done = refused };
	op_queue(last);
	op_queue(late);
	expect("ab;refused a;dropped ");
}

static void test_ids_and_cids_are_nobody_elses(void)
{
	static const bool of_others[5] = { false, false, true };
	uint32_t cid;
	struct vm *vm = d.fleet.first, *other = add_vm(0);
	struct err e = ERR_NONE;

	assert(d.fleet.first == other && !other->next->next); /* in order of creation */
	vm->state.cid = 10;
	other->state.cid = 11;
	assert(!fleet_new_cid(&d.fleet, 10, 3, NULL, &cid, NULL) && cid == 12);
	assert(fleet_new_cid(&d.fleet, 10, 2, NULL, &cid, &e) == ERR_LIMIT &&
	       strstr(e.text, "CID pool exhausted"));
	assert(!fleet_new_cid(&d.fleet, 10, 5, of_others, &cid, NULL) && cid == 13);
	assert(!fleet_find_cid(&d.fleet, 11)); /* it does not run */
	other->is_running = true;
	assert(fleet_find_cid(&d.fleet, 11) == other);
	other->is_hidden = true;
	assert(!fleet_find(&d.fleet, other->manifest.id));
}

static void ended(struct op *op)
{
	note(op->rc ? "?" : ".");
}

static void cancel_self(struct op *op)
{
	note("c");
	op_cancel(op->vm, "taken back");
	op_next(op, 0);
}

static void cancelled(struct op *op)
{
	assert(op->rc == -ECANCELED && str_equal(op->err.text, "taken back"));
	note("!");
}

static void test_what_has_begun_is_undone_after_its_step(void)
{
	static const struct op_step steps[] = {
		{ "a", a, un_a }, { "c", cancel_self, NULL }, { "b", b, un_b }, { NULL, NULL, NULL }
	};
	struct op one = { .vm = add_vm(1),
			  .name = "one",
			  .steps = steps,
			  .done = cancelled,
			  .may_cancel = true };

	op_queue(&one);
	expect("ac-a!");
	fleet_free(&d.fleet);
}

static void test_what_has_not_begun_does_nothing(void)
{
	static const struct op_step first[] = { { "b", b, un_b }, { NULL, NULL, NULL } };
	static const struct op_step second[] = { { "a", a, un_a }, { NULL, NULL, NULL } };
	struct vm *vm = add_vm(1);
	struct op one = { .vm = vm, .name = "one", .steps = first, .done = ended };
	struct op two = {
		.vm = vm, .name = "two", .steps = second, .done = cancelled, .may_cancel = true
	};
	struct op three = { .vm = vm, .name = "three", .steps = second, .done = ended };

	op_queue(&one);
	op_queue(&two);
	op_cancel(vm, "taken back");
	op_queue(&three);
	expect("b.!a.");
	fleet_free(&d.fleet);
}

/* What it was to do is done: taking that back is the work of what comes next. */
static void test_the_last_step_is_not_taken_back(void)
{
	static const struct op_step steps[] = { { "c", cancel_self, un_a }, { NULL, NULL, NULL } };
	struct op one = {
		.vm = add_vm(1), .name = "one", .steps = steps, .done = ended, .may_cancel = true
	};

	op_queue(&one);
	expect("c.");
	fleet_free(&d.fleet);
}

int main(void)
{
	uv_loop_t loop;
	struct config c = { .events_max = 20 };

	assert(!uv_loop_init(&loop));
	d = (struct daemon){ .loop = &loop, .config = &c, .lock_fd = -1, .vm_root = -1 };
	test_steps_run_in_order_and_are_undone_backwards();
	test_the_first_failure_is_the_one_reported();
	test_one_vm_waits_for_itself_not_for_others();
	test_a_vm_may_go_with_its_last_operation();
	test_nothing_waits_behind_the_last_operation();
	test_ids_and_cids_are_nobody_elses();
	fleet_free(&d.fleet);
	test_what_has_begun_is_undone_after_its_step();
	test_what_has_not_begun_does_nothing();
	test_the_last_step_is_not_taken_back();
	assert(!uv_loop_close(&loop));
	return 0;
}
