/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop: the operation that ends a VM, by a ladder of three rungs
 *
 *	ask	the guest's agent is told to shut down		stop.graceful
 *	press	the VM's power button (ACPI)			stop.firm
 *	kill	QEMU is ended by libvirt
 *
 * One rung follows another when its time is over, or at once when it cannot work: an agent that does not answer, as while
 * the guest boots.  QEMU's end ends the ladder at any rung.  Who asks again while it runs joins; StopVm and
 * RemoveVm cut it short.
 *
 * What is wanted is written down before it is done, and again before the kill: another life of the daemon goes on
 * from there.
 */
#include "daemon/lifecycle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/ending.h"
#include "daemon/hostlink.h"
#include "daemon/op.h"
#include "daemon/restarter.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "host-api/guest_call.h"

struct waiter {
	struct waiter *next;
	bool is_early; /* content when it is written down */
	vm_done_fn done;
	void *arg;
};

struct stop {
	struct ending end; /* first: cast from it */
	enum vm_stop how;
	struct waiter *waiters;
	struct guest_call *call; /* NULL: none is under way */
	bool keeps_wish;	 /* it is to run again when the host is back */
	bool is_recorded;
	bool is_waiting;	   /* the step ends when QEMU does, or at rung_over() */
	bool is_gone;		   /* QEMU ended while we waited */
	uv_timer_t rung, deadline; /* of the rung; then the callers are answered */
	unsigned int n_handles;	   /* inits less close callbacks */
};

static struct stop *stop_of(struct op *op)
{
	return (struct stop *)op;
}

static uint64_t allowed_ms(const struct vm *vm, uint64_t base_ms)
{
	return patience_ms(&vm->d->config->stop_patience, base_ms, vm->manifest.vcpu,
			   vm->manifest.memory);
}

__attribute__((format(printf, 2, 3))) static void tell(struct vm *vm, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() */
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vm_note(vm, "vmm.stopping", text);
}

/* Answer those who wait; @only_early: for no more than that it is written down. */
static void answer(struct stop *s, int rc, const struct err *e, bool only_early)
{
	struct waiter **at = &s->waiters, *w;

	while ((w = *at) != NULL) {
		if (only_early && !w->is_early) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->done(w->arg, rc, e);
		free(w);
	}
}

/* The step that waits is over. */
static void rung_over(struct stop *s)
{
	if (!s->is_waiting)
		return;
	s->is_waiting = false;
	(void)uv_timer_stop(&s->rung);
	if (s->call)
		guest_call_cancel(s->call);
	s->call = NULL;
	op_next(&s->end.op, 0);
}

static void rung_late(uv_timer_t *t)
{
	rung_over(t->data);
}

static void await(struct stop *s, uint64_t ms)
{
	s->is_waiting = true;
	(void)uv_timer_start(&s->rung, rung_late, ms, 0);
}

static bool has_rung(const struct op *op)
{
	const struct stop *s = (const struct stop *)op;

	return op->vm->is_running && s->how == VM_STOP_ASK && !s->is_gone;
}

static void want_stopped(struct op *op)
{
	struct vm_state *state = &op->vm->state;
	bool is_news = state->started || (op->vm->is_running && state->stop != stop_of(op)->how);

	if (stop_of(op)->keeps_wish) {
		stop_of(op)->end.had_process = op->vm->is_running;
		op_next(op, 0);
		return;
	}
	restarter_reset(op->vm);
	state->started = false;
	state->stop = op->vm->is_running ? stop_of(op)->how : VM_STOP_NONE;
	stop_of(op)->end.had_process = op->vm->is_running;
	if (is_news)
		ending_save(op);
	else
		op_next(op, 0);
}

static void recorded(struct op *op)
{
	stop_of(op)->is_recorded = true;
	answer(stop_of(op), 0, &ERR_NONE, true);
	op_next(op, 0);
}

static void answered(void *arg, const char *json, size_t n, const struct err *e)
{
	struct stop *s = arg;

	(void)n;
	s->call = NULL;
	if (json)
		return; /* it is on its way: now its end is waited for */
	log_info("vm %s: its guest cannot be asked to stop: %s", s->end.op.vm->short_id, e->text);
	rung_over(s);
}

static void ask(struct op *op)
{
	struct vm *vm = op->vm;
	struct stop *s = stop_of(op);
	uint64_t ms = allowed_ms(vm, vm->d->config->stop_graceful_ms);
	struct guest_call_options o = { .loop = vm->d->loop,
					.client = vm->d->http,
					.method = "Shutdown",
					.timeout_ms = vm->d->config->guest_timeout_ms };
	struct carrier_address address;
	struct err e = ERR_NONE;

	if (!has_rung(op)) {
		op_next(op, 0);
		return;
	}
	hostlink_address(vm, &address);
	o.address = &address;
	tell(vm, "asking the guest; it has %.1f s", (double)ms / 1000);
	if (guest_call_start(&s->call, &o, answered, s, &e)) {
		s->call = NULL;
		op_next(op, 0);
		return;
	}
	await(s, ms);
}

static void press(struct op *op)
{
	struct vm *vm = op->vm;
	uint64_t ms = allowed_ms(vm, vm->d->config->stop_firm_ms);

	if (!has_rung(op)) {
		op_next(op, 0);
		return;
	}
	tell(vm, "it did not stop; pressing its power button; it has %.1f s", (double)ms / 1000);
	/* What comes of it is its end, or nothing.  The call itself may hang with QEMU. */
	hypervisor_press(vm->d->hypervisor, vm->manifest.id, NULL, NULL);
	await(stop_of(op), ms);
}

static void want_killed(struct op *op)
{
	struct stop *s = stop_of(op);

	s->end.exit = s->is_gone ? VM_EXIT_STOPPED : VM_EXIT_KILLED;
	(void)str_copy(s->end.why, sizeof(s->end.why),
		       s->is_gone	       ? "the guest powered off, as it was asked to"
		       : s->how == VM_STOP_ASK ? "killed: it did not stop when it was asked to"
					       : "killed");
	if (s->is_gone || !op->vm->is_running || op->vm->state.stop == VM_STOP_KILL) {
		op_next(op, 0);
		return;
	}
	if (s->how == VM_STOP_ASK)
		tell(op->vm, "it did not stop; killing it");
	if (s->keeps_wish) {
		op_next(op, 0);
		return;
	}
	op->vm->state.stop = VM_STOP_KILL;
	ending_save(op);
}

static const struct op_step steps[] = {
	{ "-recording what is wanted", want_stopped, NULL },
	{ "-telling that it is", recorded, NULL },
	{ "-asking the guest", ask, NULL },
	{ "-pressing its power button", press, NULL },
	{ "-recording that it is killed", want_killed, NULL },
	{ "ending QEMU", ending_kill, NULL },
	{ "-hanging up", ending_unlisten, NULL },
	{ "ending its vsock", ending_uncarry, NULL },
	{ "forgetting its domain", ending_forget, NULL },
	{ "-recording the end", ending_record, NULL },
	{ NULL, NULL, NULL },
};

static void handle_closed(uv_handle_t *h)
{
	struct stop *s = h->data;

	if (--s->n_handles == 0)
		free(s);
}

static void too_long(uv_timer_t *t)
{
	struct stop *s = t->data;
	struct vm *vm = s->end.op.vm;
	struct err e = ERR_NONE;

	(void)err_set(&e, ERR_BAD_STATE, "it is still on its way down, and goes on (stop.kill)");
	log_warn("vm %s: %s", vm->short_id, e.text);
	vm_note(vm, "vmm.stop_late", e.text);
	answer(s, e.code, &e, false);
}

static void finished(struct op *op)
{
	struct stop *s = stop_of(op);

	op->vm->stop = NULL;
	if (op->rc) {
		log_error("vm %s: cannot %s: %s", op->vm->short_id, op->name, op->err.text);
		vm_note(op->vm, "vmm.stop_failed", op->err.text);
	} else if (s->end.had_process && !op->vm->is_running) {
		vm_note(op->vm, "vmm.stopped", s->end.why);
	}
	ending_deinit(&s->end);
	answer(s, op->rc, &op->err, false);
	uv_close((uv_handle_t *)&s->rung, handle_closed);
	uv_close((uv_handle_t *)&s->deadline, handle_closed);
}

static void be_patient(struct stop *s)
{
	const struct vm *vm = s->end.op.vm;
	const struct config *c = vm->d->config;
	uint64_t ms = allowed_ms(vm, c->stop_timeout_ms);

	if (s->how == VM_STOP_ASK)
		ms += allowed_ms(vm, c->stop_graceful_ms) + allowed_ms(vm, c->stop_firm_ms);
	(void)uv_timer_start(&s->deadline, too_long, ms, 0);
}

static struct stop *begin(struct vm *vm, enum vm_stop how)
{
	struct stop *s = xnew(struct stop);

	ending_init(&s->end, vm, "stop", steps, finished);
	s->how = how;
	(void)uv_timer_init(vm->d->loop, &s->rung);
	(void)uv_timer_init(vm->d->loop, &s->deadline);
	s->rung.data = s->deadline.data = s;
	s->n_handles = 2;
	vm->stop = s;
	be_patient(s);
	return s;
}

static void escalate(struct stop *s)
{
	if (s->how == VM_STOP_KILL)
		return;
	s->how = VM_STOP_KILL;
	be_patient(s);
	rung_over(s);
}

/* Join the stop that is under way, or begin one.  Starts that wait are taken back: the last word counts. */
static void stop(struct vm *vm, enum vm_stop how, bool is_early, vm_done_fn done, void *arg)
{
	struct stop *s = vm->stop;
	bool is_new = !s;
	struct waiter *w;

	op_cancel(vm, "cancelled: VM is being stopped");
	if (is_new)
		s = begin(vm, how);
	if (done && is_early && s->is_recorded) {
		done(arg, 0, &ERR_NONE);
	} else if (done) {
		w = xnew(struct waiter);
		*w = (struct waiter){ s->waiters, is_early, done, arg };
		s->waiters = w;
	}
	if (is_new)
		op_queue(&s->end.op);
	else if (how == VM_STOP_KILL)
		escalate(s);
}

void vm_stop(struct vm *vm, vm_done_fn done, void *arg)
{
	stop(vm, VM_STOP_KILL, false, done, arg);
}

void vm_halt(struct vm *vm, vm_done_fn recorded_fn, void *arg)
{
	stop(vm, VM_STOP_ASK, true, recorded_fn, arg);
}

void vm_halt_with_host(struct vm *vm)
{
	op_cancel(vm, "cancelled: the host is going down");
	if (vm->stop)
		return; /* an operator's: it goes on */
	begin(vm, VM_STOP_ASK)->keeps_wish = true;
	op_queue(&vm->stop->end.op);
}

void vm_hurry(struct vm *vm, const char *why)
{
	op_cancel(vm, why);
	if (vm->stop)
		escalate(vm->stop);
}

bool vm_stop_sees_end(struct vm *vm)
{
	if (!vm->stop || !vm->stop->is_waiting)
		return false;
	vm->stop->is_gone = true;
	rung_over(vm->stop);
	return true;
}
