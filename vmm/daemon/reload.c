/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker looks at all folders; what it saw is only a hint, as operations go on meanwhile.  So what is new is
 * looked up again on the loop, what changed is read again when its turn in the VM's queue comes, and what is
 * gone must still be gone.
 */
#include "daemon/reload.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/adopt.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/lifecycle.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "daemon/vm_texts.h"
#include "loop/work.h"
#include "store/manifest.h"
#include "store/staging.h"
#include "store/vmdir.h"

struct seen {
	char name[VM_ID_MAX + 1];
	bool is_due;	/* it has a change that is to be made whole */
	char *manifest; /* compact JSON; NULL: it does not load */
	struct err why;
};

struct reload {
	struct daemon *d;
	int root; /* of the folders, borrowed */
	struct seen *seen;
	size_t n_seen;
	struct reloaded counts;
	unsigned int n_pending; /* VMs that are read again, and the scan itself */
	int rc;
	struct err err;
	reload_done_fn done;
	void *arg;
};

/* One VM that is read again. */
struct reread {
	struct op op; /* first: cast from it */
	struct reload *r;
	int fd;	     /* of its folder as it is found by its name */
	bool is_due; /* files are to be put in place: nobody is to see that half done */
	bool is_holding;
	char id[VM_ID_MAX + 1];
	struct manifest m;
};

static char *text_of(const struct manifest *m)
{
	json_t *j = manifest_to_json(m);
	char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(j);
	if (!text)
		abort();
	return text;
}

static void look_into(struct reload *r, struct seen *s)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	auto_close int fd = vmdir_open(r->root, s->name, &s->why);
	int rc = fd < 0 ? fd : manifest_load(fd, &m, &s->why);

	s->is_due = fd >= 0 && staging_is_due(fd);
	if (!rc && !str_equal(m.id, s->name))
		rc = err_set(&s->why, ERR_CORRUPT, "its manifest has the id %s", m.id);
	s->manifest = rc ? NULL : text_of(&m);
}

/* On a worker. */
static void saw(const char *name, enum vmdir_found what, void *arg)
{
	struct reload *r = arg;
	struct seen *list;
	char text[300];

	if (what == VMDIR_UNKNOWN) {
		log_warn("'%s' in the folder of VMs is not a VM; left alone",
			 str_escape(text, sizeof(text), name, strlen(name)));
		return;
	}
	list = reallocarray(r->seen, r->n_seen + 1, sizeof(*list));
	if (!list)
		abort();
	r->seen = list;
	list[r->n_seen] = (struct seen){ .is_due = false };
	(void)str_copy(list[r->n_seen].name, sizeof(list->name), name);
	if (what == VMDIR_VM)
		look_into(r, &list[r->n_seen]);
	else
		(void)err_set(&list[r->n_seen].why, ERR_BAD_STATE, "it is being removed");
	r->n_seen++;
}

static void scan(void *arg)
{
	struct reload *r = arg;

	r->rc = vmdir_look(r->root, saw, r, &r->err);
}

static void drop(struct reload *r)
{
	struct daemon *d = r->d;
	size_t i;

	if (--r->n_pending)
		return;
	if (!r->rc)
		log_info("reload: %u loaded, %u updated, %u removed", r->counts.loaded,
			 r->counts.updated, r->counts.removed);
	r->done(r->arg, r->rc, &r->counts, &r->err);
	for (i = 0; i < r->n_seen; i++)
		free(r->seen[i].manifest);
	free(r->seen);
	free(r);
	d->n_busy--;
	daemon_idle(d);
}

static struct vm *find(const struct daemon *d, const char *id)
{
	struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (str_equal(vm->manifest.id, id))
			return vm; /* one that is being created, too */
	}
	return NULL;
}

static void load_new(struct reload *r, const struct seen *s)
{
	struct err e = ERR_NONE;
	struct vm *vm;

	if (!s->manifest || adopt_folder(r->d, s->name, &e)) {
		log_warn("vm folder '%s': %s; left alone", s->name,
			 s->manifest ? e.text : s->why.text);
		return;
	}
	vm = find(r->d, s->name);
	assert(vm);
	r->counts.loaded++;
	log_info("vm %s: loaded", vm->short_id);
	if (host_claims_take(vm, &e))
		log_warn("vm %s: %s", vm->short_id, e.text);
	if (vm->state.started && !vm->unusable)
		vm_start(vm, NULL, NULL);
}

static struct reread *reread_of(struct op *op)
{
	return (struct reread *)op;
}

static void begin(struct op *op)
{
	int rc = 0;

	if (op->vm->is_removing) {
		op_finish(op);
		return;
	}
	if (op->vm->is_running)
		rc = err_set(&op->err, ERR_BAD_STATE,
			     "it is changed on disk and runs; stop it and reload again");
	op_next(op, rc);
}

static int read_again(struct op *op, struct err *e)
{
	struct reread *rr = reread_of(op);
	int rc;

	rr->fd = vmdir_open(rr->r->root, rr->id, e);
	if (rr->fd < 0)
		return rr->fd;
	rc = staging_finish(rr->fd, e);
	if (rc >= 0)
		rc = manifest_load(rr->fd, &rr->m, e);
	if (!rc && !str_equal(rr->m.id, rr->id))
		rc = err_set(e, ERR_CORRUPT, "its manifest has the id %s", rr->m.id);
	return rc;
}

static void read_folder(struct op *op)
{
	struct reread *rr = reread_of(op);

	if (rr->is_due)
		vm_texts_hold(op->vm);
	rr->is_holding = rr->is_due;
	op_work(op, read_again);
}

/* Is another folder of that name in place of the one we knew? */
static bool is_another(const struct vm *vm, int fd)
{
	struct stat was, is;

	return fstat(vm->dirfd, &was) < 0 || fstat(fd, &is) < 0 || was.st_ino != is.st_ino ||
	       was.st_dev != is.st_dev;
}

static int take_folder(struct vm *vm, int fd, struct err *e)
{
	uint32_t cid = vm->state.cid; /* reserved for it */
	int rc;

	events_close(&vm->events);
	(void)fd_close(vm->dirfd);
	vm->dirfd = fd;
	rc = vm_state_load(fd, &vm->state, e);
	vm->state.cid = cid;
	if (rc == ERR_BAD_STATE) {
		vm_make_unusable(vm, e->text);
		return 0;
	}
	if (rc)
		log_warn("vm %s: %s", vm->short_id, e->text);
	return vm_load_reports(vm, e);
}

static void show(struct op *op)
{
	struct reread *rr = reread_of(op);
	auto_free char *was = text_of(&op->vm->manifest), *is = text_of(&rr->m);
	struct vm *vm = op->vm;
	bool is_new = is_another(vm, rr->fd);
	struct manifest old = vm->manifest;
	struct err e = ERR_NONE;
	int rc = 0;

	if (str_equal(was, is) && !is_new) {
		op_next(op, 0);
		return;
	}
	if (is_new)
		rc = take_folder(vm, steal_fd(&rr->fd), &op->err);
	vm->manifest = rr->m;
	vm_texts_drop_encoded(vm->texts);
	rr->m = old;
	if (!rr->is_holding)
		vm_texts_forget(vm->texts);
	vm_load_facts(vm);
	rr->r->counts.updated++;
	vm_note(vm, "vmm.reloaded", "");
	vm->has_ports = false;
	if (fleet_check_ports(&vm->d->fleet, &vm->manifest, &e) || host_claims_take(vm, &e))
		log_warn("vm %s: %s", vm->short_id, e.text);
	op_next(op, rc);
}

static const struct op_step steps[] = {
	{ "-looking at it", begin, NULL },
	{ "-reading its folder", read_folder, NULL },
	{ "-showing it", show, NULL },
	{ NULL, NULL, NULL },
};

static void finished(struct op *op)
{
	struct reread *rr = reread_of(op);

	if (op->rc)
		log_warn("vm %s: not reloaded: %s", op->vm->short_id, op->err.text);
	if (rr->is_holding)
		vm_texts_forget(op->vm->texts);
	manifest_deinit(&rr->m);
	rr->fd = fd_close(rr->fd);
	drop(rr->r);
	free(rr);
}

static void reread(struct reload *r, struct vm *vm, bool is_due)
{
	struct reread *rr = xnew(struct reread);

	rr->op = (struct op){ .vm = vm, .name = "reload", .steps = steps, .done = finished };
	rr->r = r;
	rr->fd = -1;
	rr->is_due = is_due;
	rr->m = MANIFEST_NULL;
	(void)str_copy(rr->id, sizeof(rr->id), vm->manifest.id);
	r->n_pending++;
	op_queue(&rr->op);
}

static void look_again(struct reload *r, struct vm *vm, const struct seen *s)
{
	auto_free char *known = text_of(&vm->manifest);

	if (vm->is_hidden || vm->is_removing || vm->unusable)
		return;
	if (!s->manifest)
		log_warn("vm %s: not reloaded: %s", vm->short_id, s->why.text);
	else if (s->is_due || !str_equal(known, s->manifest) || !vm->is_running)
		reread(r, vm, s->is_due);
}

/* Its process is ended first; that nobody is to delete anything there is why this is no removal. */
static void forget_gone(struct reload *r)
{
	struct vm *vm, *next;

	for (vm = r->d->fleet.first; vm; vm = next) {
		next = vm->next;
		if (vm->is_hidden || vm->is_removing ||
		    faccessat(r->root, vm->manifest.id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
		    errno != ENOENT)
			continue;
		log_warn("vm %s: its folder is gone; ending and forgetting it", vm->short_id);
		r->counts.removed++;
		free(steal_ptr(&vm->unusable)); /* nothing is left that we should not touch */
		vm_forget(vm);
	}
}

static void scanned(void *arg)
{
	struct reload *r = arg;
	struct vm *vm;
	size_t i;

	for (i = 0; i < r->n_seen && !r->rc; i++) {
		vm = find(r->d, r->seen[i].name);
		if (vm)
			look_again(r, vm, &r->seen[i]);
		else
			load_new(r, &r->seen[i]);
	}
	if (!r->rc)
		forget_gone(r);
	drop(r);
}

void reload_vms(struct daemon *d, reload_done_fn done, void *arg)
{
	struct reload *r = xnew(struct reload);

	r->d = d;
	r->root = d->vm_root;
	r->n_pending = 1;
	r->done = done;
	r->arg = arg;
	d->n_busy++;
	work_start(d->loop, scan, scanned, r);
}
