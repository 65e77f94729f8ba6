/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/adopt.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/agent_probe.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/hostlink.h"
#include "daemon/lifecycle.h"
#include "daemon/restarter.h"
#include "daemon/strays.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "store/staging.h"
#include "store/vmdir.h"

/* As we make them, and as libvirt needs them: 8-4-4-4-12 lower-case hex. */
static bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return false;
		} else if (!isxdigit((unsigned char)s[i]) || isupper((unsigned char)s[i])) {
			return false;
		}
	}
	return !s[36];
}

static const struct vm *same_short_id(const struct fleet *f, const char *id)
{
	const struct vm *vm;

	for (vm = f->first; vm; vm = vm->next) {
		if (memcmp(vm->short_id, id, VM_SHORT_ID) == 0)
			return vm;
	}
	return NULL;
}

static int check_identity(const struct daemon *d, const char *name, const struct manifest *m,
			  struct err *e)
{
	const struct vm *other;

	if (!str_equal(m->id, name))
		return err_set(e, ERR_CORRUPT, "its manifest has the id %s", m->id);
	if (!is_uuid(name))
		return err_set(e, ERR_INPUT, "its id is not a UUID in lower case");
	other = same_short_id(&d->fleet, name);
	if (other)
		return err_set(e, ERR_CONFLICT, "its id begins like that of VM %s",
			       other->manifest.id);
	return 0;
}

/* Does a VM that has more right to it have its CID?  One that may run has, and then the older. */
static bool is_doubled(const struct vm *vm)
{
	const struct vm *x;
	bool is_older = true;

	for (x = vm->d->fleet.first; x && !vm->state.running; x = x->next) {
		if (x == vm)
			is_older = false;
		else if (x->state.cid == vm->state.cid && (is_older || x->state.running))
			return true;
	}
	return false;
}

/*
 * A folder of another daemon's making has no CID yet; one of ours may have what another has.  Only when all are
 * loaded: else one without would be given what the next one has on file.
 */
static void settle_cid(struct vm *vm)
{
	const struct config *c = vm->d->config;
	struct err e = ERR_NONE;

	if (vm->is_removing || vm->unusable || (vm->state.cid && !is_doubled(vm)))
		return;
	if (fleet_new_cid(&vm->d->fleet, c->cid_first, c->n_cids, NULL, &vm->state.cid, &e)) {
		vm->state.cid = 0;
		log_warn("vm %s: %s", vm->short_id, e.text);
	} else {
		vm_record(vm);
	}
}

/* An update that a crash interrupted.  One that is not fit leaves the VM as it was. */
static int finish_update(const char *name, int fd, struct err *e)
{
	int rc = staging_finish(fd, e);

	if (rc > 0)
		log_info("vm %.8s: finished the update that was under way", name);
	if (rc == ERR_CORRUPT) {
		log_error("vm %.8s: %s", name, e->text);
		rc = 0;
	}
	return rc < 0 ? rc : 0;
}

/* What a crash left.  The shared folder too: the guest would be given it. */
static void sweep(int dirfd)
{
	auto_close int shared =
		openat(dirfd, "shared", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	(void)file_sweep(dirfd, NULL); /* harmless where it stays */
	if (shared >= 0)
		(void)file_sweep(shared, NULL);
}

/* Its folder stays as a newer version left it: nothing is finished, swept or opened there. */
static int load_newer(struct daemon *d, struct manifest *m, const struct vm_state *s, int fd,
		      const char *why)
{
	struct vm *vm = vm_new(d, m, s, fd);

	vm_make_unusable(vm, why);
	vm_load_facts(vm);
	fleet_add(&d->fleet, vm);
	return 0;
}

static int load_ours(struct daemon *d, struct manifest *m, const struct vm_state *s, int fd,
		     bool is_removing, struct err *e)
{
	struct vm *vm;
	int rc;

	sweep(fd);
	vm = vm_new(d, m, s, fd);
	rc = vm_load_reports(vm, e);
	if (rc) {
		vm_free(vm);
		return rc;
	}
	vm->is_removing = is_removing;
	restarter_load(vm);
	vm_load_facts(vm);
	fleet_add(&d->fleet, vm);
	return 0;
}

static int load(struct daemon *d, const char *name, bool is_removing, struct err *e)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	auto_close int fd = vmdir_open(d->vm_root, name, e);
	struct err why = ERR_NONE;
	struct vm_state s;
	int rc, state_rc;

	if (fd < 0)
		return fd;
	state_rc = vm_state_load(fd, &s, &why);
	rc = is_removing || state_rc == ERR_BAD_STATE ? 0 : finish_update(name, fd, e);
	if (!rc)
		rc = manifest_load(fd, &m, e);
	if (!rc)
		rc = check_identity(d, name, &m, e);
	if (rc)
		return rc;
	if (state_rc == ERR_BAD_STATE && !is_removing)
		return load_newer(d, &m, &s, steal_fd(&fd), why.text);
	if (state_rc)
		log_warn("vm %.8s: %s", name, why.text);
	return load_ours(d, &m, &s, steal_fd(&fd), is_removing, e);
}

int adopt_folder(struct daemon *d, const char *name, struct err *e)
{
	int rc = load(d, name, false, e);
	struct vm *vm = rc ? NULL : fleet_find(&d->fleet, name);

	if (vm)
		settle_cid(vm);
	return rc;
}

/* A folder that is being deleted may have lost its manifest already: then only the rest of it has to go. */
static void load_removing(struct daemon *d, const char *name)
{
	struct err e = ERR_NONE;

	if (!load(d, name, true, &e))
		return;
	if (!is_uuid(name)) {
		log_warn("vm folder '%s': has .removing, but %s; left alone", name, e.text);
		return;
	}
	if (vmdir_remove(d->vm_root, name, &e))
		log_warn("vm %.8s: cannot finish its removal: %s", name, e.text);
	else
		log_info("vm %.8s: finished its removal", name);
}

static void found(const char *name, enum vmdir_found what, void *arg)
{
	struct daemon *d = arg;
	struct err e = ERR_NONE;
	char text[300];

	switch (what) {
	case VMDIR_VM:
		if (load(d, name, false, &e))
			log_warn("vm folder '%s': %s; left alone", name, e.text);
		break;
	case VMDIR_REMOVING:
		load_removing(d, name);
		break;
	case VMDIR_UNKNOWN:
	default:
		log_warn("'%s' in the folder of VMs is not a VM; left alone",
			 str_escape(text, sizeof(text), name, strlen(name)));
	}
}

int adopt_folders(struct daemon *d, struct err *e)
{
	int rc = vmdir_scan(d->vm_root, found, d, e);
	struct vm *vm;

	for (vm = d->fleet.first; vm && !rc; vm = vm->next)
		settle_cid(vm);
	return rc;
}

static const struct hypervisor_domain *domain_of(const struct hypervisor_result *r, const char *id)
{
	size_t i;

	for (i = 0; i < r->n_domains; i++) {
		if (str_equal(r->domains[i].uuid, id))
			return &r->domains[i];
	}
	return NULL;
}

static void adopt_running(struct vm *vm, pid_t pid)
{
	struct err e = ERR_NONE;

	vm->is_running = true;
	vm->qemu_pid = pid;
	vm->has_cid = vm->has_ports = true; /* whoever says otherwise */
	if (hostlink_open(vm, &e))
		log_error("vm %s: cannot listen for its calls: %s", vm->short_id, e.text);
	/* What it said while nobody listened it keeps for us, if it is a guest of ours; else ask it. */
	if (!*vm->boot_progress)
		vm_set(&vm->boot_progress, "booting");
	if (!*vm->boot_error && !str_equal(vm->boot_progress, "done"))
		agent_probe_start(vm);
	log_info("vm %s: found running, QEMU is process %d", vm->short_id, (int)pid);
	/*
	 * libvirt gives up a QEMU that it cannot speak to while it reconnects, and may have done so since it made the
	 * list: an event that came before this was nobody's.  This asks again, and does nothing if it runs.
	 */
	vm_reap(vm, HYPERVISOR_REASON_NONE, VM_EXIT_NONE);
	/* A stop was cut off after it wrote down what it wants; a guest on its way down ends by itself. */
	if (vm->state.stop == VM_STOP_KILL)
		vm_stop(vm, NULL, NULL);
	else if (vm->state.stop == VM_STOP_ASK ||
		 (!vm->state.started && !str_equal(vm->shutdown_progress, "powering off")))
		vm_halt(vm, NULL, NULL);
}

/*
 * It is not there.  Was the host restarted, it is to run again; else it ended while we were away, and the
 * restarter sees to it.
 */
static void adopt_absent(struct vm *vm, enum hypervisor_reason reason)
{
	char boot_id[37];

	vm_state_host_boot(boot_id);
	if (vm->state.running) {
		vm->is_running = true; /* until what it left is put away */
		/* A life of the daemon that ended it wrote down why before it did (sever.c). */
		vm_reap(vm, reason, vm->state.exit == VM_EXIT_VSOCK ? VM_EXIT_VSOCK : VM_EXIT_NONE);
	}
	if (vm->state.started && *boot_id && !str_equal(boot_id, vm->state.boot_id)) {
		log_info("vm %s: the host was restarted; starting it again", vm->short_id);
		vm_start(vm, NULL, NULL);
	}
}

static void warn_strangers(const struct daemon *d, const struct hypervisor_result *r)
{
	size_t i;

	for (i = 0; i < r->n_domains; i++) {
		if (!fleet_find(&d->fleet, r->domains[i].uuid))
			log_warn("libvirt's domain '%s' is no VM of this state folder; left alone",
				 r->domains[i].name);
	}
}

struct known {
	const struct daemon *d;
	const struct hypervisor_result *r;
};

/* A QEMU of a VM of ours that libvirt says does not run. */
static bool is_stray(const char *id, void *arg)
{
	const struct known *k = arg;
	const struct hypervisor_domain *dom = domain_of(k->r, id);
	const struct vm *vm = fleet_find(&k->d->fleet, id);

	return vm && !vm->unusable && (!dom || dom->state != HYPERVISOR_RUNNING);
}

/* What libvirt writes into the command line of each QEMU that it starts for us. */
static char *our_mark(const struct daemon *d)
{
	return xasprintf("%s/libvirt/", d->config->state);
}

static bool is_idle(const char *id, void *arg)
{
	const struct daemon *d = arg;
	const struct vm *vm = fleet_find(&d->fleet, id);

	return vm && !vm->is_running && !vm->queue;
}

void adopt_end_strays(struct daemon *d)
{
	auto_free char *mark = our_mark(d);

	if (!d->config->libvirt_uri && !d->is_stopping)
		strays_end("-uuid", mark, is_idle, d);
}

size_t adopt_domains(struct daemon *d, const struct hypervisor_result *r)
{
	auto_free char *mark = our_mark(d);
	struct known known = { .d = d, .r = r };
	const struct hypervisor_domain *dom;
	struct vm *vm, *next;
	size_t n = 0;

	warn_strangers(d, r);
	if (!d->config->libvirt_uri)
		strays_end("-uuid", mark, is_stray, &known);
	for (vm = d->fleet.first; vm; vm = next) {
		next = vm->next;
		dom = domain_of(r, vm->manifest.id);
		if (vm->unusable) {
			vm->is_running = dom && dom->state == HYPERVISOR_RUNNING;
			vm->qemu_pid = vm->is_running ? dom->pid : 0;
		} else if (vm->is_removing) {
			vm->is_running = dom && dom->state == HYPERVISOR_RUNNING;
			vm_resume_removal(vm);
		} else if (dom && dom->state == HYPERVISOR_RUNNING) {
			adopt_running(vm, dom->pid);
			n++;
		} else {
			adopt_absent(vm, dom ? dom->reason : HYPERVISOR_REASON_NONE);
		}
	}
	return n;
}
