/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/update.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/compose.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/disk.h"
#include "daemon/op.h"
#include "daemon/validate.h"
#include "daemon/vm.h"
#include "daemon/vm_texts.h"
#include "store/manifest.h"
#include "store/staging.h"

typedef Bailey__Vmm__UpdateVmRequest request;

struct update {
	struct op op; /* first: cast from it */
	request *q;   /* a copy */
	enum update_kind kind;
	struct manifest m; /* what shall be */
	struct staged_file files[STAGED_COUNT];
	int dirfd;
	char *dir;
	bool grows;	 /* the disk, which nobody has open */
	bool has_fields; /* of the manifest, that change */
	bool has_changed, is_decided;
	bool is_holding; /* the texts that the API shows */
	char what[256];	 /* "memory, ports" */
	vm_done_fn done;
	void *arg;
};

static struct update *update_of(struct op *op)
{
	return (struct update *)op;
}

/* For the files: no memory is copied but by this, once. */
static request *copy_request(const request *q)
{
	size_t n = bailey__vmm__update_vm_request__get_packed_size(q);
	auto_free uint8_t *bytes = xcalloc(1, n + 1);
	request *copy;

	(void)bailey__vmm__update_vm_request__pack(q, bytes);
	copy = bailey__vmm__update_vm_request__unpack(NULL, n, bytes);
	if (!copy)
		abort(); /* what we packed we can unpack */
	return copy;
}

static void add_word(struct update *u, const char *word)
{
	size_t at = strlen(u->what);

	(void)str_format(u->what + at, sizeof(u->what) - at, "%s%s", at ? ", " : "", word);
}

/* Which keys of the manifest the update changes. */
static void compare(struct update *u, const struct manifest *was)
{
	json_t *old = manifest_to_json(was), *now = manifest_to_json(&u->m), *v;
	const char *key;

	json_object_foreach(now, key, v) {
		if (json_equal(v, json_object_get(old, key)))
			continue;
		u->has_fields = true;
		if (!str_equal(key, "networking")) /* the same as networks */
			add_word(u, key);
	}
	json_object_foreach(old, key, v) {
		if (json_object_get(now, key))
			continue;
		u->has_fields = true;
		if (!str_equal(key, "networking"))
			add_word(u, key);
	}
	json_decref(old);
	json_decref(now);
}

static void gather_files(struct update *u)
{
	const request *q = u->q;

	u->files[STAGED_COMPOSE] =
		(struct staged_file){ *q->compose_file, q->compose_file, strlen(q->compose_file) };
	u->files[STAGED_ENCRYPTED_ENV] =
		(struct staged_file){ q->encrypted_env.len || q->clear_encrypted_env,
				      q->encrypted_env.data, q->encrypted_env.len };
	u->files[STAGED_USER_CONFIG] =
		(struct staged_file){ *q->user_config || q->clear_user_config, q->user_config,
				      strlen(q->user_config) };
}

static int check(struct update *u, struct vm *vm, struct err *e)
{
	int rc;

	if (vm->is_removing)
		return err_set(e, ERR_BAD_STATE, "VM is being removed");
	if (u->kind == UPDATE_STOPPED && vm->is_running)
		return err_set(e, ERR_BAD_STATE, "vm should be stopped before resize: %s",
			       vm->manifest.id);
	u->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	if (u->dirfd < 0)
		return err_errno(e, errno, "cannot keep the folder open");
	if (staging_is_due(u->dirfd)) {
		return err_set(e, ERR_BAD_STATE,
			       "a change before this one is not in place; ReloadVms, or a restart "
			       "of baileyd, goes on with it");
	}
	manifest_copy(&vm->manifest, &u->m);
	rc = validate_update(vm, u->q, &u->m, e);
	if (rc)
		return rc;
	compare(u, &vm->manifest);
	u->grows = u->m.disk_size > vm->manifest.disk_size && !vm->is_running;
	u->m.since_boot = vm->state.generation + 1;
	vm->staged = &u->m;
	return u->q->update_ports ? host_claims_take_staged(vm, e) : 0;
}

static void begin(struct op *op)
{
	op_next(op, check(update_of(op), op->vm, &op->err));
}

/* Files that are what they shall be are not touched. */
static bool has_work(struct update *u)
{
	static const char *const words[STAGED_COUNT] = { "app-compose.json", "encrypted-env",
							 "user-config" };
	bool has = u->has_fields;
	size_t i;

	for (i = 0; i < STAGED_COUNT; i++) {
		u->files[i].is_given = staging_differs(u->dirfd, (enum staged)i, &u->files[i]);
		if (u->files[i].is_given)
			add_word(u, words[i]);
		has = has || u->files[i].is_given;
	}
	return has;
}

/* The intent is on disk before the disk grows: a crash between is made good by the next start of the VM. */
static int apply(struct op *op, struct err *e)
{
	struct update *u = update_of(op);
	int rc;

	u->has_changed = has_work(u);
	if (!u->has_changed)
		return 0;
	rc = staging_write(u->dirfd, &u->m, u->files, e);
	if (!rc)
		rc = staging_commit(u->dirfd, e);
	if (rc)
		return rc;
	rc = u->grows ? disk_grow(u->dirfd, u->dir, u->m.disk_size, e) : 0;
	if (rc) {
		(void)staging_undo(u->dirfd, NULL); /* the first error is the one to report */
		return rc;
	}
	u->is_decided = true;
	rc = staging_finish(u->dirfd, e);
	if (rc < 0)
		return err_wrap(e, rc,
				"the change is decided, and a restart of baileyd finishes it");
	return 0;
}

static void stage(struct op *op)
{
	vm_texts_hold(op->vm);
	update_of(op)->is_holding = true;
	op_work(op, apply);
}

static void keep_booted_ports(struct vm *vm)
{
	size_t n = vm->manifest.n_ports;

	if (vm_is_outdated(vm))
		return; /* kept already, or not known */
	free(vm->booted_ports);
	vm->booted_ports = xcalloc(n + 1, sizeof(*vm->booted_ports));
	if (n)
		memcpy(vm->booted_ports, vm->manifest.ports, n * sizeof(*vm->booted_ports));
	vm->n_booted_ports = n;
}

static void show(struct op *op)
{
	struct update *u = update_of(op);
	struct vm *vm = op->vm;
	struct manifest was = vm->manifest;
	struct err e = ERR_NONE;
	char body[320];

	if (!u->has_changed) {
		op_next(op, 0);
		return;
	}
	keep_booted_ports(vm);
	vm->manifest = u->m;
	vm_texts_drop_encoded(vm->texts);
	vm->staged = NULL;
	u->m = was;
	if (vm->is_running) /* it goes on with the image that it has */
		compose_gateway_of(vm->dirfd, &vm->gateway);
	else
		vm_load_facts(vm);
	(void)str_format(body, sizeof(body), "%s%s", u->what,
			 vm->is_running ? "; from the next start on" : "");
	vm_note(vm, "vmm.updated", body);
	if (host_claims_take(vm, &e))
		log_warn("vm %s: %s", vm->short_id, e.text);
	op_next(op, 0);
}

static const struct op_step steps[] = {
	{ "-checking", begin, NULL },
	{ "-changing its files", stage, NULL },
	{ "-showing it", show, NULL },
	{ NULL, NULL, NULL },
};

static void finished(struct op *op)
{
	struct update *u = update_of(op);
	struct vm *vm = op->vm;

	if (vm->staged == &u->m)
		vm->staged = NULL;
	if (u->is_holding)
		vm_texts_forget(vm->texts);
	if (op->rc && u->is_decided)
		log_error("vm %s: %s", vm->short_id, op->err.text);
	u->done(u->arg, op->rc, &op->err);
	manifest_deinit(&u->m);
	bailey__vmm__update_vm_request__free_unpacked(u->q, NULL);
	u->dirfd = fd_close(u->dirfd);
	free(u->dir);
	free(u);
}

void vm_update(struct vm *vm, const request *q, enum update_kind kind, vm_done_fn done, void *arg)
{
	struct update *u = xnew(struct update);

	u->op = (struct op){ .vm = vm, .name = "update", .steps = steps, .done = finished };
	u->q = copy_request(q);
	u->kind = kind;
	u->m = MANIFEST_NULL;
	gather_files(u);
	u->dirfd = -1;
	u->dir = xasprintf("%s/vm/%s", vm->d->config->state, vm->manifest.id);
	u->done = done;
	u->arg = arg;
	op_queue(&u->op);
}
