/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/api_events.h"
#include "daemon/daemon.h"
#include "daemon/lifecycle.h"
#include "daemon/vm.h"
#include "data/json.h"
#include "loop/work.h"
#include "store/vmdir.h"

/* .instance_info on its way to the disk; it has all it needs, so the VM may go meanwhile. */
struct info_write {
	struct daemon *d;
	char id[VM_ID_MAX + 1];
	int dirfd;
	char *text;
	int rc;
	struct err err;
};

static void write_info(struct vm *vm, const char *text);

static void info_run(void *arg)
{
	struct info_write *w = arg;

	w->rc = vmdir_write_instance_info(w->dirfd, w->text, strlen(w->text), &w->err);
}

static void info_done(void *arg)
{
	struct info_write *w = arg;
	struct vm *vm = fleet_find(&w->d->fleet, w->id);
	auto_free char *next = NULL;

	if (w->rc)
		log_warn("vm %.8s: cannot keep its instance info: %s", w->id, w->err.text);
	if (vm) {
		vm->is_writing_info = false;
		next = steal_ptr(&vm->next_info);
		if (next)
			write_info(vm, next);
		else if (w->rc == -ENOSPC || w->rc == -EDQUOT)
			vm->next_info = steal_ptr(&w->text);
	}
	w->d->n_busy--;
	daemon_idle(w->d);
	(void)fd_close(w->dirfd);
	free(w->text);
	free(w);
}

/* One write at a time, and only the last of those that wait: a flood costs one slot. */
static void write_info(struct vm *vm, const char *text)
{
	struct info_write *w;

	if (vm->is_writing_info) {
		vm_set(&vm->next_info, text);
		return;
	}
	vm->is_writing_info = true;
	w = xnew(struct info_write);
	w->d = vm->d;
	(void)str_copy(w->id, sizeof(w->id), vm->manifest.id);
	w->dirfd = fcntl(vm->dirfd, F_DUPFD_CLOEXEC, 0);
	w->text = xstrdup(text);
	vm->d->n_busy++;
	work_start(vm->d->loop, info_run, info_done, w);
}

void notices_settle(struct vm *vm)
{
	auto_free char *next = vm->is_writing_info ? NULL : steal_ptr(&vm->next_info);

	if (next)
		write_info(vm, next);
}

/* Hex of 20 bytes, or "" where that is allowed. */
static bool is_id(const json_t *j, const char *key, bool may_be_empty)
{
	const char *s = json_get_str(j, key, NULL);
	uint8_t raw[20];

	if (!s)
		return !json_object_get(j, key);
	return (may_be_empty && !*s) || !str_unhex(raw, sizeof(raw), s);
}

/* Bad JSON in .instance_info would keep the next boot from starting: it is refused here. */
static int take_info(struct vm *vm, const char *payload, struct err *e)
{
	json_t *j;
	int rc = json_parse(payload, strlen(payload), EVENT_BODY_MAX, "instance.info", &j, e);

	if (rc)
		return rc;
	if (!json_is_object(j) || !is_id(j, "instance_id_seed", true) ||
	    !is_id(j, "instance_id", true) || !is_id(j, "app_id", true))
		rc = err_set(e, ERR_INPUT, "instance.info: ids must be hex of 20 bytes");
	if (!rc) {
		(void)str_copy(vm->instance_id, sizeof(vm->instance_id),
			       json_get_str(j, "instance_id", ""));
		write_info(vm, payload);
	}
	json_decref(j);
	return rc;
}

void notice_show(struct vm *vm, const char *name, const char *payload)
{
	if (str_equal(name, "boot.progress"))
		vm_set(&vm->boot_progress, payload);
	else if (str_equal(name, "boot.error"))
		vm_set(&vm->boot_error, payload);
	else if (str_equal(name, "shutdown.progress"))
		vm_set(&vm->shutdown_progress, payload);
}

/* A guest that talks without end gets a ration of the log. */
static bool may_log(struct vm *vm)
{
	uint64_t now = time_mono_ms();

	if (now - vm->log_window_ms >= NOTICES_WINDOW_MS) {
		if (vm->n_logged > NOTICES_LOGGED)
			log_warn("vm %s: left out %u lines about its guest's notices", vm->short_id,
				 vm->n_logged - NOTICES_LOGGED);
		vm->log_window_ms = now;
		vm->n_logged = 0;
	}
	return vm->n_logged++ < NOTICES_LOGGED;
}

static void log_notice(struct vm *vm, const char *name, const char *payload)
{
	/* an empty error takes the last one back */
	bool is_grave =
		str_starts(name, "security.") || (str_equal(name, "boot.error") && *payload);
	char what[4 * EVENT_NAME_MAX + 1], text[512];

	if (!may_log(vm))
		return;
	str_escape(what, sizeof(what), name, strlen(name));
	str_escape(text, sizeof(text), payload, strlen(payload));
	log_line(is_grave ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "vm %s: guest: %s: %s", vm->short_id,
		 what, text);
}

/* Return: 0; 1 if the file did not take it, but we have it; ERR_INPUT. */
static int keep(struct vm *vm, const char *name, const char *payload, struct err *e)
{
	int rc;

	if (!*name || str_starts(name, "vmm."))
		return err_set(e, ERR_INPUT, "event names must not be empty or begin with vmm.");
	rc = str_equal(name, "instance.info") ? take_info(vm, payload, e) : 0;
	if (rc)
		return rc;
	rc = events_add(&vm->events, vm->state.generation, name, payload, e);
	vm_tidy_events(vm);
	return rc < 0 && rc != ERR_INPUT ? 1 : rc;
}

void notice_take(struct vm *vm, uint64_t generation, const char *name, const char *payload)
{
	struct err e = ERR_NONE;
	int rc;

	if (generation != vm->state.generation || vm->is_removing)
		return;
	rc = keep(vm, name, payload, &e);
	if (rc && may_log(vm))
		log_warn("vm %s: guest: %s: %s", vm->short_id,
			 rc < 0 ? "dropped a notice" : "notice", e.text);
	if (rc < 0)
		return;
	log_notice(vm, name, payload);
	notice_show(vm, name, payload);
	api_events_wake(vm);
	if (str_equal(name, "shutdown.progress") && str_equal(payload, "powering off"))
		vm_wants_off(vm);
}
