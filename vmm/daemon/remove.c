/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remove: the operation that ends a VM and deletes its folder
 *
 * The mark comes first and is what RemoveVm waits for; from then on a crash only delays the rest.
 */
#include "daemon/lifecycle.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/vsock_process.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/embed_cgroups.h"
#include "daemon/disk_guard.h"
#include "daemon/hostlink.h"
#include "daemon/log_files.h"
#include "daemon/op.h"
#include "daemon/qemu_log.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "loop/work.h"
#include "store/vmdir.h"

struct removal {
	struct op op; /* first: cast from it */
	struct daemon *d;
	struct vsock_paths sockets;
	char id[VM_ID_MAX + 1];
};

/* Marking happens beside the queue: it does not wait for a start that takes its time. */
struct mark {
	struct vm *vm;
	struct disk_guard *guard;
	int dirfd;
	int rc;
	struct err err;
	vm_done_fn done;
	void *arg;
};

static struct removal *removal_of(struct op *op)
{
	return (struct removal *)op;
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
	hypervisor_kill(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
}

static void unlisten(struct op *op)
{
	hostlink_close(op->vm);
	op_next(op, 0);
}

static int drop_carrier(struct op *op, struct err *e)
{
	return vsock_process_stop(&removal_of(op)->sockets, e);
}

static void uncarry(struct op *op)
{
	op_work(op, drop_carrier);
}

static void forget(struct op *op)
{
	hypervisor_forget(op->vm->d->hypervisor, op->vm->manifest.id, asked, op);
}

static void delete_log(const struct daemon *d, const char *id)
{
	char name[LOG_NAME_MAX];
	auto_close int logs = qemu_log_open(d, id, name);

	if (logs >= 0)
		log_file_remove(logs, name);
}

/* The log first: the folder is what a removal that was interrupted is known by. */
int vm_delete_files(const struct daemon *d, const char *id, struct err *e)
{
	delete_log(d, id);
	if (!d->config->libvirt_uri)
		embed_cgroups_sweep("/sys/fs/cgroup", id);
	return vmdir_remove(d->vm_root, id, e);
}

static int delete_folder(struct op *op, struct err *e)
{
	return vm_delete_files(removal_of(op)->d, removal_of(op)->id, e);
}

static void unmake_folder(struct op *op)
{
	op_work(op, delete_folder);
}

static const struct op_step steps[] = {
	{ "ending QEMU", kill_domain, NULL },		{ "-hanging up", unlisten, NULL },
	{ "ending its vsock", uncarry, NULL },		{ "forgetting its domain", forget, NULL },
	{ "deleting its folder", unmake_folder, NULL }, { NULL, NULL, NULL },
};

/* Its folder is gone already; should one of that name come back meanwhile, it is not ours to delete. */
static int delete_rest(struct op *op, struct err *e)
{
	(void)e;
	delete_log(removal_of(op)->d, removal_of(op)->id);
	return 0;
}

static void unmake_rest(struct op *op)
{
	op_work(op, delete_rest);
}

static const struct op_step forget_steps[] = {
	{ "ending QEMU", kill_domain, NULL },	   { "-hanging up", unlisten, NULL },
	{ "ending its vsock", uncarry, NULL },	   { "forgetting its domain", forget, NULL },
	{ "deleting its log", unmake_rest, NULL }, { NULL, NULL, NULL },
};

/* A removal that fails is shown as removing, and tried again by RemoveVm or the next start. */
static void finished(struct op *op)
{
	struct removal *r = removal_of(op);

	if (op->rc) {
		log_error("vm %s: cannot remove: %s", op->vm->short_id, op->err.text);
		vm_note(op->vm, "vmm.remove_failed", op->err.text);
		op->vm->has_removal = false;
	} else {
		log_info("vm %s: removed", op->vm->short_id);
		fleet_drop(&r->d->fleet, op->vm);
	}
	free(r);
}

static void end(struct vm *vm, const char *name, const struct op_step *table)
{
	struct removal *r;

	vm->is_removing = true;
	if (vm->has_removal)
		return;
	vm->has_removal = true;
	vm_hurry(vm, "cancelled: VM is being removed");
	r = xnew(struct removal);
	r->op = (struct op){
		.vm = vm, .name = name, .steps = table, .done = finished, .is_last = true
	};
	r->d = vm->d;
	(void)str_copy(r->id, sizeof(r->id), vm->manifest.id);
	(void)vsock_paths(vm->d->config->run, vm->short_id, &r->sockets, NULL);
	op_queue(&r->op);
}

void vm_resume_removal(struct vm *vm)
{
	end(vm, "remove", steps);
}

void vm_forget(struct vm *vm)
{
	end(vm, "forget", forget_steps);
}

static void mark_run(void *arg)
{
	struct mark *m = arg;

	m->rc = disk_guard_mark_removing(m->guard, m->dirfd, &m->err);
}

static void mark_done(void *arg)
{
	struct mark *m = arg;
	struct vm *vm = m->vm;
	struct daemon *d = vm->d;

	vm->is_marking = false;
	if (m->rc)
		vm->is_removing = false;
	m->done(m->arg, m->rc, &m->err);
	if (!m->rc)
		vm_resume_removal(vm);
	(void)fd_close(m->dirfd);
	free(m);
	d->n_busy--;
	daemon_idle(d);
}

/* Until the mark is on disk nothing can free the VM: only a removal does, and it comes after. */
void vm_remove(struct vm *vm, vm_done_fn done, void *arg)
{
	struct mark *m;

	if (vm->is_removing) {
		if (!vm->is_marking)
			vm_resume_removal(vm);
		done(arg, 0, &ERR_NONE);
		return;
	}
	vm->is_removing = true;
	vm->is_marking = true;
	vm->d->n_busy++;
	m = xnew(struct mark);
	m->vm = vm;
	m->guard = vm->d->disk;
	m->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	m->done = done;
	m->arg = arg;
	work_start(vm->d->loop, mark_run, mark_done, m);
}
