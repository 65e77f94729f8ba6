/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start: the operation that gives a VM its process
 *
 * Order matters: what may fail cheaply comes first, the guest's listener is there before QEMU is, and the
 * state on disk says "started" before anything runs, so that a crash at any point leaves either a VM
 * that is to be started, or one that runs.
 */
#include "daemon/lifecycle.h"

#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/disk_guard.h"
#include "daemon/embed_cgroups.h"
#include "daemon/host_down.h"
#include "daemon/hostlink.h"
#include "daemon/limits.h"
#include "daemon/op.h"
#include "daemon/ports.h"
#include "daemon/reconnect.h"
#include "daemon/restarter.h"
#include "daemon/start_plan.h"
#include "daemon/strays.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "store/image.h"
#include "store/staging.h"

struct start {
	struct op op; /* first: cast from it */
	struct start_plan plan;
	vm_done_fn done;
	void *arg;
	bool ran; /* this operation gave it a process */
};

static struct start *start_of(struct op *op)
{
	return (struct start *)op;
}

static void asked(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (r->rc && op->is_undoing)
		log_warn("vm %s: %s", op->vm->short_id, r->err.text);
	else if (r->rc)
		op->err = r->err;
	op_next(op, r->rc);
}

static void begin(struct op *op)
{
	struct vm *vm = op->vm;
	int rc;

	if (vm->is_removing) {
		op_next(op, err_set(&op->err, ERR_BAD_STATE, "VM is being removed"));
		return;
	}
	if (*vm->d->vsock_missing) {
		op_next(op, err_set(&op->err, ERR_MISSING, "%s", vm->d->vsock_missing));
		return;
	}
	if (vm->is_running && vm->state.started) {
		op_finish(op);
		return;
	}
	if (vm->is_running) {
		op_next(op, err_set(&op->err, ERR_BAD_STATE,
				    "VM is on its way down; try again when it is stopped"));
		return;
	}
	/* The disk failed over an update's last moves: what is there is neither the old VM nor the new one. */
	if (staging_is_due(vm->dirfd)) {
		op_next(op, err_set(&op->err, ERR_BAD_STATE,
				    "a change of it is decided and not in place; ReloadVms, or a "
				    "restart of baileyd, goes on with it"));
		return;
	}
	rc = host_down_check(vm->d, &op->err);
	if (!rc)
		rc = reconnect_check(vm->d, &op->err);
	if (!rc)
		rc = fleet_check_used_ports(&vm->d->fleet, &vm->manifest, &op->err);
	if (!rc)
		rc = host_claims_take(vm, &op->err);
	if (!rc)
		rc = limits_check_room(vm->d, vm, &vm->manifest, true, &op->err);
	if (!rc)
		rc = disk_guard_check_start(vm->d->config, &op->err);
	if (!rc)
		rc = plan_init(&start_of(op)->plan, vm, &op->err);
	op_next(op, rc);
}

static bool is_ours(const char *id, void *arg)
{
	return str_equal(id, arg);
}

/*
 * It does not run, so a QEMU of it is one that nobody knows of; it would hold disk and ports.  And a control group of it
 * is what is left of a start that was cut off.
 */
static void end_strays(struct start_plan *p)
{
	auto_free char *mark = xasprintf("%s/libvirt/", p->d->config->state);

	if (p->d->config->libvirt_uri)
		return;
	strays_end("-uuid", mark, is_ours, p->m.id);
	embed_cgroups_sweep("/sys/fs/cgroup", p->m.id);
}

static int probe_and_prepare(struct op *op, struct err *e)
{
	struct start_plan *p = &start_of(op)->plan;
	int rc;

	end_strays(p);
	rc = ports_check_user(p->d->config, &p->m, ports_first_of_users(), e);
	if (!rc)
		rc = ports_probe(&p->m, e);

	return rc ? rc : plan_prepare(p, e);
}

static void prepare(struct op *op)
{
	op->vm->is_running = true;
	start_of(op)->ran = true;
	op_work(op, probe_and_prepare);
}

static int revert(struct op *op, struct err *e)
{
	return plan_revert(&start_of(op)->plan, e);
}

static void unprepare(struct op *op)
{
	struct vm *vm = op->vm;

	vm->is_running = false;
	vm->state = start_of(op)->plan.before;
	vm->state.generation = start_of(op)->plan.after.generation;
	op_work(op, revert);
}

/* From here on the VM shows the new boot. */
static void show_boot(struct op *op)
{
	struct vm *vm = op->vm;
	struct start_plan *p = &start_of(op)->plan;

	vm->state = p->after;
	manifest_list_deinit(&vm->started_gateways);
	vm->started_gateways = p->gateway_urls;
	p->gateway_urls = (struct manifest_list){ .n = 0 };
	vm_set(&vm->image_version, p->image->version_text);
	vm_set(&vm->boot_progress, p->image->shared_ro ? "booting" : "N/A");
	vm_set(&vm->shutdown_progress, p->image->shared_ro ? "" : "N/A");
	vm_set(&vm->boot_error, "");
	op_next(op, 0);
}

static int make_dir(struct op *op, struct err *e)
{
	const struct start_plan *p = &start_of(op)->plan;
	int rc = vsock_process_make_dir(&p->sockets, p->d->config->qemu_gid, e);

	if (rc || !p->d->vsock_program)
		return rc;
	return plan_carry(&start_of(op)->plan, e);
}

static void carry(struct op *op)
{
	op_work(op, make_dir);
}

static int drop_carrier(struct op *op, struct err *e)
{
	return vsock_process_drop(&start_of(op)->plan.sockets, e);
}

static void uncarry(struct op *op)
{
	op_work(op, drop_carrier);
}

static void listen_to_guest(struct op *op)
{
	op_next(op, hostlink_open(op->vm, &op->err));
}

static void unlisten(struct op *op)
{
	hostlink_close(op->vm);
	op_next(op, 0);
}

static void define(struct op *op)
{
	struct hypervisor *h = op->vm->d->hypervisor;
	auto_buf struct buf xml = BUF_MAX(DOMAIN_XML_MAX);
	int rc = plan_domain(&start_of(op)->plan, hypervisor_caps(h), &xml, &op->err);

	if (rc)
		op_next(op, rc);
	else
		hypervisor_define(h, op->vm->manifest.id, (const char *)xml.p, asked, op);
}

static void forget(struct op *op)
{
	hypervisor_forget(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
}

static void ran(void *arg, const struct hypervisor_result *r)
{
	struct op *op = arg;

	if (!r->rc && r->n_domains)
		op->vm->qemu_pid = r->domains[0].pid;
	asked(arg, r);
}

static void run_domain(struct op *op)
{
	hypervisor_run(op->vm->d->hypervisor, op->vm->manifest.id, ran, op);
}

static void kill_domain(struct op *op)
{
	hypervisor_kill(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
}

static const struct op_step steps[] = {
	{ "-beginning", begin, NULL },
	{ "-preparing", prepare, unprepare },
	{ "-showing the boot", show_boot, NULL },
	{ "starting its vsock", carry, uncarry },
	{ "listening for its calls", listen_to_guest, unlisten },
	{ "defining its domain", define, forget },
	{ "starting QEMU", run_domain, kill_domain },
	{ NULL, NULL, NULL },
};

static void finished(struct op *op)
{
	struct start *s = start_of(op);
	struct vm *vm = op->vm;

	if (op->rc == -ECANCELED)
		vm_note(vm, "vmm.start_cancelled", op->err.text);
	else if (op->rc)
		log_error("vm %s: cannot start: %s", vm->short_id, op->err.text);
	if (op->rc && op->rc != -ECANCELED && s->ran)
		vm_note(vm, "vmm.start_failed", op->err.text);
	else if (!op->rc && s->ran)
		vm_note(vm, "vmm.started", "");
	plan_deinit(&s->plan);
	if (s->done)
		s->done(s->arg, op->rc, &op->err);
	free(s);
}

static void queue(struct vm *vm, vm_done_fn done, void *arg)
{
	struct start *s = xnew(struct start);

	s->op = (struct op){
		.vm = vm, .name = "start", .steps = steps, .done = finished, .may_cancel = true
	};
	s->plan.dirfd = -1;
	s->done = done;
	s->arg = arg;
	op_queue(&s->op);
}

void vm_start(struct vm *vm, vm_done_fn done, void *arg)
{
	restarter_reset(vm);
	queue(vm, done, arg);
}

void vm_start_again(struct vm *vm)
{
	queue(vm, NULL, NULL);
}
