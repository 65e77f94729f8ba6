/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop: the operations that end a VM or put away what one left that ended by itself
 *
 * Both run the same steps, and each step is content with finding its work done.  It is the hypervisor, asked
 * afresh, that says whether a process is there; what we remember may be old.
 */
#include "daemon/lifecycle.h"

#include <fcntl.h>
#include <string.h>

#include <uv.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/vsock_process.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/hostlink.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"

struct stop {
	struct op op; /* first: cast from it */
	struct vsock_paths sockets;
	struct vm_state state; /* to be written */
	int dirfd;
	char why[256];
	bool had_process;
	uv_timer_t deadline; /* then the caller is answered; the operation goes on */
	vm_done_fn done;
	void *arg;
};

static struct stop *stop_of(struct op *op)
{
	return (struct stop *)op;
}

static int save(struct op *op, struct err *e)
{
	return vm_state_save(stop_of(op)->dirfd, &stop_of(op)->state, e);
}

static void save_state(struct op *op)
{
	stop_of(op)->state = op->vm->state;
	op_work(op, save);
}

/* What is wanted is written down before it is done: a crash between is finished at the next start. */
static void want_stopped(struct op *op)
{
	bool was_started = op->vm->state.started;

	op->vm->state.started = false;
	if (was_started)
		save_state(op);
	else
		op_next(op, 0);
}

static void asked(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (r->rc)
		op->err = r->err;
	op_next(op, r->rc);
}

static void kill_domain(struct op *op)
{
	stop_of(op)->had_process = op->vm->is_running;
	hypervisor_kill(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
}

static void seen(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (!r->rc && r->n_domains && r->domains[0].state == HYPERVISOR_RUNNING)
		op_finish(op); /* started again since */
	else
		asked(arg, r);
}

static void check_gone(struct op *op)
{
	if (!op->vm->is_running) {
		op_finish(op); /* put away by another operation */
		return;
	}
	stop_of(op)->had_process = true;
	hypervisor_query(op->vm->d->hypervisor, op->vm->manifest.id, seen, op);
}

static void unlisten(struct op *op)
{
	hostlink_close(op->vm);
	op_next(op, 0);
}

static int drop_carrier(struct op *op, struct err *e)
{
	return vsock_process_stop(&stop_of(op)->sockets, e);
}

static void uncarry(struct op *op)
{
	op_work(op, drop_carrier);
}

static void forget(struct op *op)
{
	hypervisor_forget(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
}

static void record(struct op *op)
{
	struct vm *vm = op->vm;

	vm->is_running = false;
	vm->qemu_pid = 0;
	if (!stop_of(op)->had_process) {
		op_next(op, 0);
		return;
	}
	vm->state.running = false;
	vm->state.exited_at_ms = time_unix_ms();
	save_state(op);
}

static const struct op_step stop_steps[] = {
	{ "-recording what is wanted", want_stopped, NULL },
	{ "ending QEMU", kill_domain, NULL },
	{ "-hanging up", unlisten, NULL },
	{ "ending its vsock", uncarry, NULL },
	{ "forgetting its domain", forget, NULL },
	{ "-recording the end", record, NULL },
	{ NULL, NULL, NULL },
};

static const struct op_step reap_steps[] = {
	{ "looking for QEMU", check_gone, NULL }, { "-hanging up", unlisten, NULL },
	{ "ending its vsock", uncarry, NULL },	  { "forgetting its domain", forget, NULL },
	{ "-recording the end", record, NULL },	  { NULL, NULL, NULL },
};

static const struct op_step off_steps[] = {
	{ "-recording what is wanted", save_state, NULL },
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
		      s->op.vm->d->config->stop_timeout_ms / 1000);
	log_warn("vm %s: %s", s->op.vm->short_id, e.text);
	if (s->done)
		s->done(s->arg, e.code, &e);
	s->done = NULL;
}

static void finished(struct op *op)
{
	struct stop *s = stop_of(op);

	if (op->rc)
		log_error("vm %s: cannot %s: %s", op->vm->short_id, op->name, op->err.text);
	else if (s->had_process && !op->vm->is_running)
		vm_note(op->vm, "vmm.stopped", s->why);
	(void)fd_close(s->dirfd);
	if (s->done)
		s->done(s->arg, op->rc, &op->err);
	uv_close((uv_handle_t *)&s->deadline, deadline_closed);
}

static void queue(struct vm *vm, const char *name, const struct op_step *steps, const char *why,
		  vm_done_fn done, void *arg)
{
	struct stop *s = xnew(struct stop);

	s->op = (struct op){ .vm = vm, .name = name, .steps = steps, .done = finished };
	/* It was short enough when the VM started. */
	(void)vsock_paths(vm->d->config->run, vm->short_id, &s->sockets, NULL);
	s->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	(void)str_copy(s->why, sizeof(s->why), why);
	s->done = done;
	s->arg = arg;
	(void)uv_timer_init(vm->d->loop, &s->deadline);
	s->deadline.data = s;
	(void)uv_timer_start(&s->deadline, too_long, vm->d->config->stop_timeout_ms, 0);
	op_queue(&s->op);
}

void vm_stop(struct vm *vm, vm_done_fn done, void *arg)
{
	queue(vm, "stop", stop_steps, "killed", done, arg);
}

void vm_reap(struct vm *vm, const char *why)
{
	queue(vm, "reap", reap_steps, why, NULL, NULL);
}

void vm_wants_off(struct vm *vm)
{
	if (!vm->state.started)
		return;
	vm->state.started = false;
	queue(vm, "record", off_steps, "", NULL, NULL);
}
