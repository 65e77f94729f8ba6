/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/stats.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/api.h"
#include "daemon/daemon.h"
#include "daemon/facts.h"
#include "daemon/proc_figures.h"
#include "daemon/vm.h"
#include "data/json.h"
#include "domain/hypervisor.h"
#include "loop/http_server.h"

enum { BLOCK = 512 }; /* of st_blocks, on every file system */

static void number(json_t *o, const char *key, uint64_t n)
{
	(void)json_object_set_new(o, key, json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

static json_t *of_vm(const struct vm *vm)
{
	struct proc_figures f = { .cpu_ms = 0 };
	json_t *o = json_object();
	struct stat st;

	(void)json_object_set_new(o, "id", json_text(vm->manifest.id));
	(void)json_object_set_new(o, "name", json_text(vm->manifest.name));
	(void)json_object_set_new(o, "status", json_text(vm_status_text(vm_status_of(vm))));
	(void)json_object_set_new(o, "boot_progress", json_text(vm->boot_progress));
	(void)json_object_set_new(o, "boot_error", json_text(vm->boot_error));
	number(o, "vcpu", vm->manifest.vcpu);
	number(o, "memory_size", (uint64_t)vm->manifest.memory << 20);
	number(o, "disk_size", (uint64_t)vm->manifest.disk_size << 30);
	number(o, "started_at", vm->is_running ? vm->state.started_at_ms : 0);
	number(o, "boots", vm->state.generation);
	number(o, "restart_attempts", vm->state.restart_attempts);
	(void)json_object_set_new(o, "restart_gave_up", json_boolean(vm->state.restart_gave_up));
	number(o, "restart_at_ms", vm->is_running ? 0 : vm->state.restart_due_ms);
	if (vm->is_running && proc_figures_read(vm->qemu_pid, &f))
		number(o, "pid", (uint64_t)vm->qemu_pid);
	number(o, "cpu_ms", f.cpu_ms);
	number(o, "memory_used", f.memory_bytes);
	if (vm->dirfd < 0 || fstatat(vm->dirfd, "hda.img", &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_blocks = 0;
	number(o, "disk_used", (uint64_t)st.st_blocks * BLOCK);
	return o;
}

void stats_serve(struct daemon *d, struct http_request *r)
{
	const char *trouble = hypervisor_trouble(d->hypervisor);
	json_t *all = json_object(), *list = json_array(), *host;
	auto_free char *text = NULL;
	const struct vm *vm;
	char vms[8] = "";

	(void)api_query(r, "vms", vms, sizeof(vms));
	for (vm = d->fleet.first; vm && !str_equal(vms, "none"); vm = vm->next) {
		if (!vm->is_hidden)
			(void)json_array_append_new(list, of_vm(vm));
	}
	number(all, "at", time_unix_ms());
	host = facts(d->config, hypervisor_caps(d->hypervisor));
	(void)json_object_set_new(host, "libvirt_trouble", json_string(trouble ? trouble : ""));
	(void)json_object_set_new(all, "host", host);
	(void)json_object_set_new(all, "vms", list);
	text = json_compact(all);
	json_decref(all);
	http_reply(r, 200, "application/json", text, strlen(text), NULL);
}
