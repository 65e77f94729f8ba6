/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host_claims.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/ports.h"
#include "daemon/proc_figures.h"
#include "daemon/strays.h"
#include "daemon/vm.h"
#include "store/claims.h"

enum { CID_TRIES = 4, SHOWN_STATE = 160, SHOWN_NAME = 64 };

/* One thing that a VM of another daemon says it has. */
struct held {
	const struct host_entry *from;
	const struct claim *daemon, *vm;
	const struct manifest_port *port; /* NULL: the CID of vm */
};

typedef bool (*held_fn)(const struct held *h, void *arg);

struct walk {
	const struct daemon *d;
	held_fn fn;
	void *arg;
};

/* A process that /proc does not show us counts as the one that was there. */
static bool is_process(uint32_t pid, uint64_t start)
{
	uint64_t now;

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return false;
	now = proc_figures_start((pid_t)pid);
	return !now || !start || now == start;
}

static bool daemon_lives(const struct held *h)
{
	return h->from->is_locked && h->daemon->pid && is_process(h->daemon->pid, 0);
}

static bool vm_runs(const struct held *h)
{
	if (!h->vm->is_running)
		return false;
	/* Its daemon was killed between giving it a process and knowing which. */
	return h->vm->pid ? is_process(h->vm->pid, h->vm->start)
			  : strays_is_there("-uuid", h->vm->id);
}

static bool counts(const struct held *h)
{
	return daemon_lives(h) || vm_runs(h);
}

static bool has_id(const struct daemon *d, const char *id)
{
	const struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (str_equal(vm->manifest.id, id))
			return true;
	}
	return false;
}

/* Of an earlier life of ours: its VMs are the fleet's now. */
static bool was_ours(const struct daemon *d, const struct held *h)
{
	char state[CLAIMS_TEXT_MAX];

	(void)str_escape(state, sizeof(state), d->config->state, strlen(d->config->state));
	if (h->from->uid == geteuid() && str_equal(h->daemon->text, state))
		return true;
	return !daemon_lives(h) && has_id(d, h->vm->id);
}

/* Return: go on? */
static bool walk_entry(const struct host_entry *x, void *arg)
{
	const struct walk *w = arg;
	struct rd r = rd_over(x->claims.p, x->claims.n);
	struct claim c, daemon = { .pid = 0 }, vm = { .pid = 0 };
	struct held h = { .from = x, .daemon = &daemon, .vm = &vm };
	bool is_ours = true; /* until there is a VM */

	if (claims_begin(&r, NULL))
		return true;
	while (claims_next(&r, &c, NULL) == 1) {
		h.port = NULL;
		if (c.kind == CLAIM_DAEMON) {
			daemon = c;
			continue;
		}
		if (c.kind == CLAIM_VM) {
			vm = c;
			is_ours = was_ours(w->d, &h);
		} else {
			h.port = &c.port;
		}
		if (!is_ours && (h.port || vm.cid) && !w->fn(&h, w->arg))
			return false;
	}
	return true;
}

static void each(const struct daemon *d, held_fn fn, void *arg)
{
	struct walk w = { d, fn, arg };

	if (d->claims.is_begun)
		host_registry_each(&d->claims.registry, walk_entry, &w);
}

static const char *holder_text(const struct held *h, char *ret, size_t size)
{
	char name[CLAIMS_TEXT_MAX], state[CLAIMS_TEXT_MAX];

	(void)str_escape(name, SHOWN_NAME, h->vm->text, strlen(h->vm->text));
	(void)str_escape(state, SHOWN_STATE, h->daemon->text, strlen(h->daemon->text));
	if (daemon_lives(h)) {
		(void)str_format(ret, size,
				 "VM \"%s\" (%.8s) of another baileyd, process %u with state %s",
				 name, h->vm->id, h->daemon->pid, state);
	} else {
		(void)str_format(ret, size,
				 "VM \"%s\" (%.8s), which still runs as process %u while its "
				 "baileyd, with state %s, does not",
				 name, h->vm->id, h->vm->pid, state);
	}
	return ret;
}

struct ports_asked {
	const struct manifest_port *ports;
	size_t n;
	struct err *e;
	int rc;
};

static bool check_port(const struct held *h, void *arg)
{
	struct ports_asked *q = arg;
	char text[96], holder[400];
	size_t i;

	for (i = 0; h->port && i < q->n; i++) {
		if (!ports_collide(&q->ports[i], h->port) || !counts(h))
			continue;
		q->rc = err_set(q->e, ERR_CONFLICT,
				"host port %s belongs to %s; choose another, or remove that VM",
				ports_text(&q->ports[i], text, sizeof(text)),
				holder_text(h, holder, sizeof(holder)));
		return false;
	}
	return true;
}

int host_claims_check_ports(const struct daemon *d, const struct manifest_port *ports, size_t n,
			    struct err *e)
{
	struct ports_asked q = { ports, n, e, 0 };

	if (n)
		each(d, check_port, &q);
	return q.rc;
}

struct cids_asked {
	uint32_t first, n;
	bool *taken;
};

static bool mark_cid(const struct held *h, void *arg)
{
	const struct cids_asked *q = arg;
	uint32_t cid = h->vm->cid;

	if (!h->port && cid >= q->first && cid - q->first < q->n && !q->taken[cid - q->first] &&
	    counts(h))
		q->taken[cid - q->first] = true;
	return true;
}

void host_claims_mark_cids(const struct daemon *d, uint32_t first, uint32_t n, bool *taken)
{
	struct cids_asked q = { .first = first, .n = n };

	q.taken = taken;
	each(d, mark_cid, &q);
}

/* What a VM of ours has: nothing of it that is another's. */
static int add_vm(struct buf *b, struct vm *vm)
{
	struct claim c = { .cid = vm->has_cid ? vm->state.cid : 0,
			   .is_running = vm->is_running || vm->state.running };
	const struct manifest_port *lists[3] = { vm->manifest.ports };
	size_t n[3] = { vm->manifest.n_ports }, i, k;
	int rc;

	if (vm->qemu_pid != vm->known_pid) {
		vm->known_pid = vm->qemu_pid;
		vm->known_start = proc_figures_start(vm->qemu_pid);
	}
	c.pid = (uint32_t)vm->known_pid;
	c.start = vm->known_start;
	(void)str_copy(c.id, sizeof(c.id), vm->manifest.id);
	(void)str_escape(c.text, SHOWN_NAME + 1, vm->manifest.name, strlen(vm->manifest.name));
	if (vm->staged) {
		lists[1] = vm->staged->ports;
		n[1] = vm->staged->n_ports;
	}
	if (vm_is_outdated(vm)) {
		lists[2] = vm->booted_ports;
		n[2] = vm->n_booted_ports;
	}
	rc = claims_add_vm(b, &c);
	for (k = 0; k < 3 && vm->has_ports; k++) {
		for (i = 0; i < n[k] && !rc; i++)
			rc = claims_add_port(b, &lists[k][i]);
	}
	return rc;
}

static int write_down(struct host_claims *h, const struct buf *b, struct err *e)
{
	const char *path = h->d->config->host_registry;
	int rc = h->registry.own < 0 ? -ENOENT : host_registry_write(&h->registry, b, e);

	if (!rc)
		return 0;
	/* Somebody cleaned up there, or never made it: begin again. */
	host_registry_close(&h->registry, false);
	rc = host_registry_open(&h->registry, path, e);
	return rc ? rc : host_registry_write(&h->registry, b, e);
}

static void tell(struct host_claims *h)
{
	auto_buf struct buf b = BUF_MAX(CLAIMS_MAX);
	struct err e = ERR_NONE;
	struct vm *vm;
	int rc = claims_add_daemon(&b, (uint32_t)getpid(), h->d->config->state);

	for (vm = h->d->fleet.first; vm && !rc; vm = vm->next)
		rc = add_vm(&b, vm);
	if (b.n == h->told.n && (!b.n || memcmp(b.p, h->told.p, b.n) == 0) && h->registry.own >= 0)
		return;
	rc = rc ? err_errno(&e, -rc, "too much to claim") : write_down(h, &b, &e);
	if (rc && !h->is_out) {
		log_warn("host registry: %s; CIDs and host ports are not reserved against the VMs "
			 "of other daemons",
			 e.text);
	}
	h->is_out = rc != 0;
	buf_deinit(&h->told);
	h->told = b;
	b = BUF_MAX(0);
}

static void on_timer(uv_timer_t *t)
{
	tell(t->data);
}

void host_claims_wake(struct host_claims *h)
{
	if (h->is_begun)
		(void)uv_timer_start(&h->timer, on_timer, 0, 0);
}

static void warn_ports(const struct held *h, struct vm *vm, const struct manifest_port *p)
{
	char text[96], holder[400];

	log_warn("vm %s: host port %s belongs to %s; it cannot be started while that is so",
		 vm->short_id, ports_text(p, text, sizeof(text)),
		 holder_text(h, holder, sizeof(holder)));
	vm->has_ports = false;
}

/* What runs has what it has. */
static bool yield_to(const struct held *h, void *arg)
{
	struct daemon *d = arg;
	struct vm *vm;
	size_t i;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (vm->is_running || vm->state.running)
			continue;
		if (!h->port && vm->has_cid && vm->state.cid == h->vm->cid && counts(h))
			vm->has_cid = false;
		for (i = 0; h->port && vm->has_ports && i < vm->manifest.n_ports; i++) {
			if (ports_collide(&vm->manifest.ports[i], h->port) && counts(h))
				warn_ports(h, vm, &vm->manifest.ports[i]);
		}
	}
	return true;
}

/* Claims of which nothing is left: nobody lives, nothing runs. */
static bool is_void(const struct host_entry *x)
{
	struct rd r = rd_over(x->claims.p, x->claims.n);
	struct claim c, daemon = { .pid = 0 };
	struct held h = { .from = x, .daemon = &daemon, .vm = &c };

	if (claims_begin(&r, NULL))
		return false;
	while (claims_next(&r, &c, NULL) == 1) {
		if (c.kind == CLAIM_DAEMON)
			daemon = c;
		if (c.kind == CLAIM_DAEMON ? daemon_lives(&h) : c.kind == CLAIM_VM && vm_runs(&h))
			return false;
	}
	return true;
}

static bool is_of_this_state(const struct daemon *d, const struct host_entry *x)
{
	struct rd r = rd_over(x->claims.p, x->claims.n);
	struct claim daemon, none = { .pid = 0 };
	struct held h = { .from = x, .daemon = &daemon, .vm = &none };

	return claims_begin(&r, NULL) == 0 && claims_next(&r, &daemon, NULL) == 1 &&
	       daemon.kind == CLAIM_DAEMON && was_ours(d, &h);
}

/* Only after ours are written: until then what an earlier life left is all that says so. */
static bool sweep(const struct host_entry *x, void *arg)
{
	const struct daemon *d = arg;

	if (is_of_this_state(d, x) || is_void(x))
		host_registry_drop(&d->claims.registry, x);
	return true;
}

void host_claims_init(struct host_claims *h, struct daemon *d)
{
	*h = (struct host_claims){ .d = d, .registry = HOST_REGISTRY_NULL };
	(void)uv_timer_init(d->loop, &h->timer);
	h->timer.data = h;
}

void host_claims_start(struct host_claims *h)
{
	struct vm *vm;

	h->is_begun = true;
	for (vm = h->d->fleet.first; vm; vm = vm->next) {
		vm->has_cid = vm->state.cid != 0;
		vm->has_ports = true;
	}
	tell(h);
	each(h->d, yield_to, h->d);
	tell(h);
	host_registry_each(&h->registry, sweep, h->d);
}

void host_claims_stop(struct host_claims *h)
{
	const struct vm *vm;
	bool keep = false;

	if (h->is_begun)
		tell(h);
	for (vm = h->d->fleet.first; vm; vm = vm->next)
		keep = keep || vm->is_running;
	host_registry_close(&h->registry, keep);
	buf_deinit(&h->told);
	uv_close((uv_handle_t *)&h->timer, NULL);
	h->is_begun = false;
}

static bool is_marked(const struct daemon *d, uint32_t cid)
{
	bool taken = false;

	host_claims_mark_cids(d, cid, 1, &taken);
	return taken;
}

static int take_cid(struct vm *vm, struct err *e)
{
	const struct config *c = vm->d->config;
	uint32_t was = vm->state.cid;
	auto_free bool *taken = NULL;
	unsigned int i;
	int rc;

	vm->has_cid = true;
	tell(&vm->d->claims);
	for (i = 0; !vm->state.cid || is_marked(vm->d, vm->state.cid); i++) {
		free(taken);
		taken = xcalloc(c->n_cids, sizeof(*taken));
		host_claims_mark_cids(vm->d, c->cid_first, c->n_cids, taken);
		rc = fleet_new_cid(&vm->d->fleet, c->cid_first, c->n_cids, taken, &vm->state.cid,
				   e);
		if (!rc && i == CID_TRIES)
			rc = err_set(e, ERR_CONFLICT,
				     "other daemons of this host take the CIDs; try again");
		if (rc) {
			vm->has_cid = false;
			vm->state.cid = was;
			return rc;
		}
		tell(&vm->d->claims);
	}
	if (vm->state.cid != was && !vm->is_hidden)
		log_info("vm %s: its CID %u is of another daemon's VM; now it has %u", vm->short_id,
			 was, vm->state.cid);
	return 0;
}

int host_claims_take(struct vm *vm, struct err *e)
{
	struct host_claims *h = &vm->d->claims;
	int rc = 0;

	if (!h->is_begun)
		return 0;
	if (!vm->has_ports) {
		vm->has_ports = true;
		tell(h);
		rc = host_claims_check_ports(vm->d, vm->manifest.ports, vm->manifest.n_ports, e);
		vm->has_ports = rc == 0;
	}
	if (!rc && !vm->has_cid)
		rc = take_cid(vm, e);
	if (rc)
		tell(h);
	return rc;
}

int host_claims_take_staged(struct vm *vm, struct err *e)
{
	struct host_claims *h = &vm->d->claims;

	if (!h->is_begun)
		return 0;
	tell(h);
	return host_claims_check_ports(vm->d, vm->staged->ports, vm->staged->n_ports, e);
}
