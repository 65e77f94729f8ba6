/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/disk_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include <uv.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/ballast.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/notices.h"
#include "daemon/op.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "store/state.h"
#include "store/vmdir.h"

enum { MIB_SHIFT = 20, DISK_GUARD_BEGIN = 1024 * 1024, DISK_GUARD_PIECES = 8 };

struct disk_guard {
	struct daemon *d;
	uv_timer_t timer;
	int ballast;	       /* -1: none */
	atomic_bool is_behind; /* a state could not be written */
	bool is_low;	       /* as last logged */
	bool was_full;	       /* since all was written */
	char text[DISK_GUARD_TEXT];
};

static bool is_no_room(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT;
}

/* UINT64_MAX if it cannot be told: then writes will tell. */
static uint64_t free_bytes(const struct config *c)
{
	struct statvfs fs;

	if (statvfs(c->state, &fs) != 0)
		return UINT64_MAX;
	if (fs.f_files && fs.f_favail == 0)
		return 0; /* no inode is no room, too */
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

int disk_guard_check_start(const struct config *c, struct err *e)
{
	uint64_t n = free_bytes(c);

	if (n >= DISK_GUARD_START)
		return 0;
	return err_set(
		e, -ENOSPC,
		"the disk of the state folder %s has %llu KiB free, and a start needs %d KiB; "
		"make room there",
		c->state, (unsigned long long)(n >> 10), DISK_GUARD_START >> 10);
}

int disk_guard_save(struct disk_guard *g, int dirfd, const struct vm_state *s, struct err *e)
{
	int rc;

	do
		rc = vm_state_save(dirfd, s, e);
	while (is_no_room(rc) && ballast_spend(g->ballast) == 0);
	if (!is_no_room(rc))
		return rc;
	atomic_store(&g->is_behind, true);
	log_warn("disk: a VM's state is kept in memory until there is room: %s", e->text);
	*e = ERR_NONE;
	return 0;
}

int disk_guard_mark_removing(struct disk_guard *g, int dirfd, struct err *e)
{
	int rc;

	do
		rc = vmdir_mark_removing(dirfd, e);
	while (is_no_room(rc) && ballast_spend(g->ballast) == 0);
	return rc;
}

/* Write a VM's state again, in its queue. */
struct settle {
	struct op op; /* first: cast from it */
	struct disk_guard *guard;
	struct vm_state state;
	int dirfd;
};

static int settle_work(struct op *op, struct err *e)
{
	struct settle *s = (struct settle *)op;

	return disk_guard_save(s->guard, s->dirfd, &s->state, e);
}

static void settle_run(struct op *op)
{
	((struct settle *)op)->state = op->vm->state;
	op_work(op, settle_work);
}

static void settled(struct op *op)
{
	struct settle *s = (struct settle *)op;

	if (op->rc)
		log_warn("vm %s: cannot write its state: %s", op->vm->short_id, op->err.text);
	(void)fd_close(s->dirfd);
	free(s);
}

static const struct op_step settle_steps[] = {
	{ "-writing its state", settle_run, NULL },
	{ NULL, NULL, NULL },
};

static void settle_vm(struct disk_guard *g, struct vm *vm, bool with_state)
{
	struct err e = ERR_NONE;
	struct settle *s;

	if (vm->is_hidden || vm->dirfd < 0 || vm->is_removing)
		return;
	if (vm->events.fd >= 0 && events_settle(&vm->events, &e))
		log_warn("vm %s: %s", vm->short_id, e.text);
	notices_settle(vm);
	if (!with_state)
		return;
	s = xnew(struct settle);
	s->op = (struct op){ .vm = vm, .name = "settle", .steps = settle_steps, .done = settled };
	s->guard = g;
	s->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	op_queue(&s->op);
}

static void resumed(void *arg, const struct hypervisor_result *r)
{
	size_t i;

	(void)arg;
	for (i = 0; r->rc == 0 && i < r->n_domains; i++)
		log_info("vm %.8s: goes on, as its disk has room again", r->domains[i].uuid);
	if (r->rc)
		log_warn("disk: cannot let VMs go on that had no room: %s", r->err.text);
}

/* There is room: write what is missing, fill the ballast, let go on what was held. */
static void catch_up(struct disk_guard *g, uint64_t n)
{
	struct vm *vm, *next;
	bool with_state;

	if (n < BALLAST_SIZE + DISK_GUARD_FULL || !g->d->api)
		return;
	(void)ballast_fill(g->ballast); /* tried again at each look */
	if (!g->was_full && !atomic_load(&g->is_behind))
		return;
	with_state = atomic_exchange(&g->is_behind, false);
	for (vm = g->d->fleet.first; vm; vm = next) {
		next = vm->next;
		settle_vm(g, vm, with_state);
	}
	hypervisor_resume_held(g->d->hypervisor, resumed, g);
	g->was_full = false;
}

static void tell(struct disk_guard *g, uint64_t n)
{
	const struct config *c = g->d->config;
	bool is_low = n < c->disk_free || n < DISK_GUARD_START;

	g->text[0] = 0;
	if (is_low)
		(void)str_format(
			g->text, sizeof(g->text),
			"the disk of the state folder %.200s has %llu MiB free: nothing new "
			"is begun, what runs goes on (limits.disk_free: %llu MiB)",
			c->state, (unsigned long long)(n >> MIB_SHIFT),
			(unsigned long long)(c->disk_free >> MIB_SHIFT));
	if (is_low && !g->is_low)
		log_warn("disk: %s", g->text);
	else if (!is_low && g->is_low)
		log_info("disk: the state folder %s has room again: %llu MiB free", c->state,
			 (unsigned long long)(n >> MIB_SHIFT));
	g->is_low = is_low;
}

static void on_timer(uv_timer_t *t)
{
	struct disk_guard *g = t->data;
	uint64_t n = free_bytes(g->d->config);

	if (g->d->is_stopping || n == UINT64_MAX)
		return;
	tell(g, n);
	if (n < DISK_GUARD_FULL)
		g->was_full = true;
	else
		catch_up(g, n);
}

const char *disk_guard_text(const struct disk_guard *g)
{
	return g->text;
}

/* To come back on a full disk, libvirt must write some small files of its own. */
static void make_room_to_begin(const struct disk_guard *g)
{
	int i;

	for (i = 0; i < DISK_GUARD_PIECES && free_bytes(g->d->config) < DISK_GUARD_BEGIN; i++)
		(void)ballast_spend(g->ballast);
}

void disk_guard_start(struct disk_guard **ret, struct daemon *d)
{
	struct disk_guard *g = xnew(struct disk_guard);
	struct err e = ERR_NONE;

	g->d = d;
	g->ballast = ballast_open(d->config->state, &e);
	if (g->ballast < 0 || ballast_fill(g->ballast) < 0)
		log_warn("disk: there is no reserve for the worst hour: %s",
			 g->ballast < 0 ? e.text : "no room");
	make_room_to_begin(g);
	(void)uv_timer_init(d->loop, &g->timer);
	g->timer.data = g;
	g->was_full = true; /* when we ended, for all we know: QEMU may hold a VM for that */
	(void)uv_timer_start(&g->timer, on_timer, 0, DISK_GUARD_MS);
	*ret = g;
}

static void closed(uv_handle_t *h)
{
	struct disk_guard *g = h->data;

	(void)fd_close(g->ballast);
	free(g);
}

void disk_guard_stop(struct disk_guard *g)
{
	uv_close((uv_handle_t *)&g->timer, closed);
}
