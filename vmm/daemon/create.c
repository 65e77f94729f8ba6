/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create: the operation that makes a VM's folder, and with it the VM
 *
 * Its id, CID and ports are reserved from the moment it is asked for; it is shown when its folder is in place.
 * When the first start fails, folder and VM go again: CreateVm leaves a whole VM or nothing.
 */
#include "daemon/lifecycle.h"
#include "daemon/reconnect.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "store/vmdir.h"

struct create {
	struct op op; /* first: cast from it */
	struct daemon *d;
	struct manifest m; /* a copy for the worker */
	struct vm_state state;
	struct vmdir_files files; /* all owned */
	char *user_config;
	void *compose, *encrypted_env;
	int root;
	bool stopped;
	vm_done_fn done;
	void *arg;
	struct err why; /* of the start that failed */
};

static struct create *create_of(struct op *op)
{
	return (struct create *)op;
}

static void create_free(struct create *c)
{
	manifest_deinit(&c->m);
	free(c->compose);
	free(c->encrypted_env);
	free(c->user_config);
	free(c);
}

static int write_folder(struct op *op, struct err *e)
{
	struct create *c = create_of(op);

	return vmdir_create(c->root, &c->m, &c->state, &c->files, e);
}

static void make_folder(struct op *op)
{
	op_work(op, write_folder);
}

static void publish(struct op *op)
{
	struct vm *vm = op->vm;
	int rc;

	vm->dirfd = vmdir_open(create_of(op)->root, vm->manifest.id, &op->err);
	rc = vm->dirfd < 0 ? vm->dirfd : vm_load_reports(vm, &op->err);
	if (!rc) {
		vm_load_facts(vm);
		vm->is_hidden = false;
		vm_note(vm, "vmm.created", "");
	}
	op_next(op, rc);
}

static int delete_folder(struct op *op, struct err *e)
{
	return vm_delete_files(create_of(op)->d, create_of(op)->m.id, e);
}

static void unmake_folder(struct op *op)
{
	op_work(op, delete_folder);
}

static const struct op_step create_steps[] = {
	{ "-making the folder", make_folder, NULL }, /* it leaves nothing behind when it fails */
	{ "-showing it", publish, unmake_folder },
	{ NULL, NULL, NULL },
};

static const struct op_step discard_steps[] = {
	{ "-deleting the folder", unmake_folder, NULL },
	{ NULL, NULL, NULL },
};

static void answer(struct create *c, int rc, const struct err *e)
{
	c->done(c->arg, rc, e);
	create_free(c);
}

static void discarded(struct op *op)
{
	struct create *c = create_of(op);

	if (op->rc)
		log_error("vm %s: cannot remove what is left of it: %s", op->vm->short_id,
			  op->err.text);
	fleet_drop(&c->d->fleet, op->vm);
	answer(c, c->why.code, &c->why);
}

static void started(void *arg, int rc, const struct err *e)
{
	struct create *c = arg;
	struct vm *vm = c->op.vm;

	if (!rc) {
		answer(c, 0, e);
		return;
	}
	if (rc == -ECANCELED) { /* StopVm came meanwhile: it is there, and stopped */
		answer(c, rc, e);
		return;
	}
	if (vm->is_removing) { /* RemoveVm came meanwhile and does the same */
		answer(c, rc, e);
		return;
	}
	if (reconnect_check(c->d, NULL)) {
		/* A QEMU may have come of it that only libvirt can end: the removal waits for that. */
		vm->is_removing = true;
		answer(c, rc, e);
		vm_resume_removal(vm);
		return;
	}
	vm->is_removing = true;
	vm->has_removal = true; /* so that RemoveVm does not begin another */
	c->why = *e;
	c->why.code = rc;
	c->op = (struct op){ .vm = vm,
			     .name = "discard",
			     .steps = discard_steps,
			     .done = discarded,
			     .is_last = true };
	op_queue(&c->op);
}

static void created(struct op *op)
{
	struct create *c = create_of(op);

	if (op->rc) {
		fleet_drop(&c->d->fleet, op->vm);
		answer(c, op->rc, &op->err);
	} else if (c->stopped) {
		answer(c, 0, &op->err);
	} else {
		vm_start(op->vm, started, c);
	}
}

static void copy_files(struct create *c, const struct vm_files *f)
{
	c->compose = xmemdup(f->compose, f->n_compose);
	c->encrypted_env = xmemdup(f->encrypted_env, f->n_encrypted_env);
	c->user_config = xstrdup(f->user_config ? f->user_config : "");
	c->files = (struct vmdir_files){ .compose = c->compose,
					 .n_compose = f->n_compose,
					 .encrypted_env = c->encrypted_env,
					 .n_encrypted_env = f->n_encrypted_env,
					 .user_config = c->user_config };
}

const char *vm_create(struct daemon *d, struct manifest *m, const struct vm_files *files,
		      bool stopped, vm_done_fn done, void *arg, struct err *e)
{
	struct vm_state s = { .started = false };
	auto_manifest struct manifest copy = MANIFEST_NULL;
	struct create *c;
	struct vm *vm;

	if (d->fleet.n >= d->config->max_vms) {
		(void)err_set(e, ERR_LIMIT, "there are %zu VMs already, and limits.vms is %u",
			      d->fleet.n, d->config->max_vms);
		return NULL;
	}
	if ((d->config->unique_names && fleet_check_name(&d->fleet, m->name, e)) ||
	    fleet_check_ports(&d->fleet, m, e) ||
	    fleet_new_cid(&d->fleet, d->config->cid_first, d->config->n_cids, NULL, &s.cid, e))
		return NULL;
	fleet_new_id(&d->fleet, m->id);
	m->created_at_ms = time_unix_ms();
	manifest_copy(m, &copy);
	vm = vm_new(d, &copy, &s, -1);
	vm->is_hidden = true;
	fleet_add(&d->fleet, vm);
	if (host_claims_take(vm, e)) {
		fleet_drop(&d->fleet, vm);
		return NULL;
	}
	c = xnew(struct create);
	c->m = *m;
	*m = MANIFEST_NULL;
	copy_files(c, files);
	c->d = d;
	c->state = vm->state;
	c->root = d->vm_root;
	c->stopped = stopped;
	c->done = done;
	c->arg = arg;
	c->op = (struct op){ .vm = vm, .name = "create", .steps = create_steps, .done = created };
	op_queue(&c->op);
	return vm->manifest.id;
}
