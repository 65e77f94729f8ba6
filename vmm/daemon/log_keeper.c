/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log_keeper.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/daemon.h"
#include "daemon/log_files.h"
#include "daemon/vm.h"
#include "loop/work.h"

/* The folders of the VMs that run, as they were when the look began. */
struct look {
	struct log_keeper *k;
	size_t n;
	int folders[];
};

static void look_run(void *arg)
{
	struct look *l = arg;
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (log_files_trim(l->folders[i], &e))
			log_warn("logs: %s", e.text);
	}
}

static void look_done(void *arg)
{
	struct look *l = arg;
	struct daemon *d = l->k->d;
	size_t i;

	for (i = 0; i < l->n; i++)
		(void)fd_close(l->folders[i]);
	l->k->is_looking = false;
	free(l);
	d->n_busy--;
	daemon_idle(d);
}

static void on_timer(uv_timer_t *t)
{
	struct log_keeper *k = t->data;
	const struct vm *vm;
	struct look *l;

	if (k->is_looking || k->d->is_stopping)
		return;
	l = xcalloc(1, sizeof(*l) + k->d->fleet.n * sizeof(l->folders[0]));
	l->k = k;
	for (vm = k->d->fleet.first; vm; vm = vm->next) {
		if (vm->is_running && vm->dirfd >= 0)
			l->folders[l->n++] = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	}
	if (l->n == 0) {
		free(l);
		return;
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
	(void)uv_timer_start(&k->timer, on_timer, LOG_KEEPER_MS, LOG_KEEPER_MS);
}

void log_keeper_stop(struct log_keeper *k)
{
	uv_close((uv_handle_t *)&k->timer, NULL);
}
