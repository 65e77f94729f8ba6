/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log_keeper.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/console_hint.h"
#include "daemon/daemon.h"
#include "daemon/log_files.h"
#include "daemon/log_index.h"
#include "daemon/qemu_log.h"
#include "daemon/vm.h"
#include "loop/work.h"

/* The logs of the VMs that run, as they were when the look began. */
struct look_at {
	int folder;
	char qemu_name[LOG_NAME_MAX];
	char id[VM_ID_MAX + 1];
	uint64_t generation;
	struct console_look console;
};

struct look {
	struct log_keeper *k;
	int qemu_folder; /* -1: not ours */
	bool moved;	 /* something was over its limit */
	size_t n;
	struct look_at at[];
};

static void look_run(void *arg)
{
	struct look *l = arg;
	struct err e = ERR_NONE;
	size_t i;
	int rc;

	for (i = 0; i < l->n; i++) {
		rc = log_files_trim(l->at[i].folder, l->k->d->config->max_log, &e);
		l->moved |= rc > 0;
		if (rc >= 0 && l->qemu_folder >= 0) {
			rc = log_file_trim(l->qemu_folder, l->at[i].qemu_name,
					   l->k->d->config->max_log, &e);
			l->moved |= rc > 0;
		}
		if (rc < 0)
			log_warn("logs: %s", e.text);
		console_hint_look(l->at[i].folder, &l->at[i].console);
	}
}

/* The VM may be gone by now, or in another boot. */
static void take(struct daemon *d, const struct look_at *at)
{
	struct vm *vm = fleet_find(&d->fleet, at->id);

	if (!vm || vm->state.generation != at->generation || d->is_stopping)
		return;
	vm->console_seen_ms = at->console.seen_ms;
	console_hint_tell(vm, &at->console);
}

static void on_timer(uv_timer_t *t);

static void look_done(void *arg)
{
	struct look *l = arg;
	struct daemon *d = l->k->d;
	size_t i;

	for (i = 0; i < l->n; i++) {
		(void)fd_close(l->at[i].folder);
		take(d, &l->at[i]);
	}
	(void)fd_close(l->qemu_folder);
	l->k->is_looking = false;
	if (!d->is_stopping) /* where one floods, look again soon */
		(void)uv_timer_start(&l->k->timer, on_timer,
				     l->moved ? LOG_KEEPER_SOON_MS : LOG_KEEPER_MS, 0);
	free(l);
	d->n_busy--;
	daemon_idle(d);
}

static void add(struct look *l, const struct vm *vm)
{
	struct look_at *at = &l->at[l->n++];
	int folder;

	(void)str_copy(at->id, sizeof(at->id), vm->manifest.id);
	at->generation = vm->state.generation;
	at->console.seen_ms = vm->console_seen_ms;
	at->folder = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	folder =
		qemu_log_is_ours(vm->d) ? qemu_log_open(vm->d, vm->manifest.id, at->qemu_name) : -1;
	(void)fd_close(l->qemu_folder); /* it is the same for all */
	l->qemu_folder = folder;
}

static void on_timer(uv_timer_t *t)
{
	struct log_keeper *k = t->data;
	const struct vm *vm;
	struct look *l;

	if (k->is_looking || k->d->is_stopping)
		return;
	l = xcalloc(1, sizeof(*l) + k->d->fleet.n * sizeof(l->at[0]));
	l->k = k;
	l->qemu_folder = -1;
	for (vm = k->d->fleet.first; vm; vm = vm->next) {
		if (vm->is_running && vm->dirfd >= 0)
			add(l, vm);
	}
	k->is_looking = true;
	k->d->n_busy++;
	work_start(k->d->loop, look_run, look_done, l);
}

void log_keeper_start(struct log_keeper *k, struct daemon *d)
{
	k->d = d;
	(void)uv_timer_init(d->loop, &k->timer);
	k->timer.data = k;
	(void)uv_timer_start(&k->timer, on_timer, LOG_KEEPER_SOON_MS, 0);
}

void log_keeper_wake(struct log_keeper *k)
{
	if (!k->is_looking)
		(void)uv_timer_start(&k->timer, on_timer, 0, 0);
}

void log_keeper_stop(struct log_keeper *k)
{
	uv_close((uv_handle_t *)&k->timer, NULL);
}
