/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vm.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/api_events.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/gateways.h"
#include "daemon/notices.h"
#include "daemon/vm_texts.h"
#include "data/json.h"
#include "store/image.h"

enum { INSTANCE_INFO_MAX = 10 * 1024 };

void vm_set(char **field, const char *value)
{
	char *copy = xstrdup(value);

	free(*field);
	*field = copy;
}

struct vm *vm_new(struct daemon *d, struct manifest *m, const struct vm_state *s, int dirfd)
{
	struct vm *vm = xnew(struct vm);

	vm->d = d;
	vm->manifest = *m;
	*m = MANIFEST_NULL;
	vm->state = *s;
	vm->events = EVENTS_NULL;
	vm->dirfd = dirfd;
	memcpy(vm->short_id, vm->manifest.id, VM_SHORT_ID);
	vm->boot_progress = xstrdup("");
	vm->boot_error = xstrdup("");
	vm->shutdown_progress = xstrdup("");
	vm->image_version = xstrdup("");
	vm->texts = xnew(struct vm_texts_kept);
	*vm->texts = VM_TEXTS_KEPT_NULL;
	return vm;
}

void vm_free(struct vm *vm)
{
	assert(!vm->queue && !vm->host_api);
	api_events_end(vm);
	events_close(&vm->events);
	manifest_deinit(&vm->manifest);
	vm->dirfd = fd_close(vm->dirfd);
	free(vm->boot_progress);
	free(vm->boot_error);
	free(vm->shutdown_progress);
	free(vm->image_version);
	free(vm->next_info);
	free(vm->unusable);
	vm_texts_forget(vm->texts);
	free(vm->texts);
	free(vm->booted_ports);
	manifest_list_deinit(&vm->started_gateways);
	free(vm);
}

static void load_instance_id(struct vm *vm)
{
	uint8_t raw[20];
	const char *id;
	json_t *j;

	vm->instance_id[0] = 0;
	if (json_read_file(vm->dirfd, "shared/.instance_info", INSTANCE_INFO_MAX, &j, NULL))
		return;
	id = json_get_str(j, "instance_id", "");
	if (!str_unhex(raw, sizeof(raw), id))
		str_hex(vm->instance_id, raw, sizeof(raw));
	json_decref(j);
}

int vm_load_reports(struct vm *vm, struct err *e)
{
	const struct event *ev;
	size_t i;
	int rc = events_open(&vm->events, vm->dirfd, vm->d->config->events_max, e);

	if (rc)
		return rc;
	for (i = 0; i < vm->events.n; i++) {
		ev = events_at(&vm->events, i);
		if (ev->generation == vm->state.generation)
			notice_show(vm, ev->name, ev->body);
	}
	vm->n_fed = vm->events.last_seq;
	load_instance_id(vm);
	return 0;
}

void vm_load_facts(struct vm *vm)
{
	struct image *im = NULL;

	gateways_load(vm);
	if (image_load(vm->d->image_dir, vm->manifest.image, &im, NULL))
		return;
	vm_set(&vm->image_version, im->version_text);
	image_free(im);
}

enum vm_status vm_status_of(const struct vm *vm)
{
	return vm_status((struct vm_facts){ .is_removing = vm->is_removing,
					    .is_started = vm->state.started,
					    .is_running = vm->is_running });
}

bool vm_is_outdated(const struct vm *vm)
{
	return vm->is_running && vm->manifest.since_boot > vm->state.generation;
}

void vm_make_unusable(struct vm *vm, const char *why)
{
	vm_set(&vm->unusable, why);
	vm_set(&vm->boot_error, why);
	events_close(&vm->events);
	log_error("vm %s: %s; it is shown, and left alone", vm->short_id, why);
}

void vm_note(struct vm *vm, const char *name, const char *body)
{
	struct err e = ERR_NONE;
	char text[512];

	log_info("vm %s: %s%s%s", vm->short_id, name, *body ? ": " : "",
		 str_escape(text, sizeof(text), body, strlen(body)));
	if (vm->events.fd >= 0 && events_add(&vm->events, vm->state.generation, name, body, &e))
		log_warn("vm %s: %s", vm->short_id, e.text);
	api_events_wake(vm);
}
