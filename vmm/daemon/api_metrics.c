/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/version.h"
#include "daemon/api_auth.h"
#include "daemon/counts.h"
#include "daemon/daemon.h"
#include "daemon/log_index.h"
#include "daemon/op.h"
#include "daemon/proc_figures.h"
#include "daemon/vm.h"
#include "domain/hypervisor.h"
#include "domain/host_probe.h"
#include "loop/http_server.h"

enum { METRICS_BYTES = 4 * 1024 * 1024, LABEL_MAX = 512 };

void api_metrics_label(struct buf *b, const char *value)
{
	char safe[LABEL_MAX], one[2] = "";
	const char *p = value;

	if (!str_is_utf8(value, strlen(value)) || strlen(value) >= sizeof(safe) / 4) {
		(void)str_escape(safe, sizeof(safe), value, strlen(value));
		p = safe;
	}
	for (; *p; p++) {
		one[0] = *p;
		if (*p == '\n')
			(void)buf_add_str(b, "\\n");
		else if (*p == '"' || *p == '\\')
			(void)buf_addf(b, "\\%c", *p);
		else
			(void)buf_add_str(b, one);
	}
}

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	(void)buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t value)
{
	head(b, name, type, help);
	(void)buf_addf(b, "%s %llu\n", name, (unsigned long long)value);
}

static void row(struct buf *b, const char *name, const char *label, const char *value, uint64_t n)
{
	(void)buf_addf(b, "%s{%s=\"", name, label);
	api_metrics_label(b, value);
	(void)buf_addf(b, "\"} %llu\n", (unsigned long long)n);
}

static void add_vms(struct buf *b, const struct daemon *d)
{
	uint64_t by_status[VM_STATUS_COUNT] = { 0 }, queued = 0;
	const struct vm *vm;
	const struct op *op;
	size_t i;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		by_status[vm_status_of(vm)] += !vm->is_hidden;
		for (op = vm->queue; op; op = op->next)
			queued++;
	}
	head(b, "bailey_vms", "gauge", "VMs by their status.");
	for (i = 0; i < VM_STATUS_COUNT; i++)
		row(b, "bailey_vms", "status", vm_status_text((enum vm_status)i), by_status[i]);
	one(b, "bailey_operations_queued", "gauge", "Operations that run or wait, of all VMs.",
	    queued);
	one(b, "bailey_libvirt_up", "gauge", "Is the connection to libvirt there?",
	    hypervisor_trouble(d->hypervisor) == NULL);
	one(b, "bailey_vms_busy", "gauge", "VMs with such operations.", d->n_busy);
}

/* A row of each VM, of the first METRICS_VMS. */
static void add_each(struct buf *b, const struct daemon *d, const char *name, const char *more,
		     uint64_t (*value)(const struct vm *vm, const char *more))
{
	const struct vm *vm;
	size_t n = 0;

	for (vm = d->fleet.first; vm && n < METRICS_VMS; vm = vm->next) {
		if (vm->is_hidden)
			continue;
		(void)buf_addf(b, "%s{id=\"%s\",name=\"", name, vm->manifest.id);
		api_metrics_label(b, vm->manifest.name);
		(void)buf_addf(b, *more ? "\",log=\"%s\"} %llu\n" : "\"%s} %llu\n", more,
			       (unsigned long long)value(vm, more));
		n++;
	}
}

static uint64_t runs(const struct vm *vm, const char *more)
{
	(void)more;
	return vm->is_running;
}

static uint64_t guest_calls(const struct vm *vm, const char *more)
{
	(void)more;
	return vm->n_guest_calls;
}

/* What a log takes on the disk, with its older parts: where it was freed at its front it has holes. */
static uint64_t log_bytes(const struct vm *vm, const char *log)
{
	char file[LOG_NAME_MAX + 16], base[LOG_NAME_MAX];
	uint64_t bytes = 0;
	struct stat st;
	size_t i;

	(void)str_format(base, sizeof(base), "%s.log", log);
	(void)str_copy(file, sizeof(file), base);
	for (i = 0; i <= LOG_KEPT_MAX; i++) {
		if (fstatat(vm->dirfd, file, &st, AT_SYMLINK_NOFOLLOW))
			break; /* parts have no gap */
		bytes += (uint64_t)st.st_blocks * 512;
		log_index_part_name(file, base, i);
	}
	return bytes;
}

static void add_each_vm(struct buf *b, const struct daemon *d)
{
	head(b, "bailey_vm_running", "gauge", "Has the VM a process?");
	add_each(b, d, "bailey_vm_running", "", runs);
	head(b, "bailey_vm_guest_requests_total", "counter",
	     "Requests of the VM's guest to the host API.");
	add_each(b, d, "bailey_vm_guest_requests_total", "", guest_calls);
	head(b, "bailey_vm_log_bytes", "gauge", "What a log of the VM takes on the disk.");
	add_each(b, d, "bailey_vm_log_bytes", "serial", log_bytes);
	add_each(b, d, "bailey_vm_log_bytes", "vsock", log_bytes);
}

static void add_events(struct buf *b, const struct counts *c)
{
	size_t i;

	one(b, "bailey_guest_notices_total", "counter", "Notices of guests that were taken.",
	    c->n_notices);
	head(b, "bailey_events_total", "counter",
	     "What happened to VMs: starts, restarts, failures.");
	for (i = 0; i < c->n_events; i++)
		row(b, "bailey_events_total", "event", c->events[i].name, c->events[i].n);
	head(b, "bailey_operations_total", "counter", "Operations that ended.");
	for (i = 0; i < c->n_ops; i++)
		row(b, "bailey_operations_total", "operation", c->ops[i].name, c->ops[i].n);
	head(b, "bailey_operations_failed_total", "counter", "Those of them that failed.");
	for (i = 0; i < c->n_ops; i++)
		row(b, "bailey_operations_failed_total", "operation", c->ops[i].name,
		    c->ops[i].n_failed);
	head(b, "bailey_operation_milliseconds_total", "counter", "How long they took together.");
	for (i = 0; i < c->n_ops; i++)
		row(b, "bailey_operation_milliseconds_total", "operation", c->ops[i].name,
		    c->ops[i].ms);
	head(b, "bailey_operation_milliseconds_max", "gauge", "The longest of them.");
	for (i = 0; i < c->n_ops; i++)
		row(b, "bailey_operation_milliseconds_max", "operation", c->ops[i].name,
		    c->ops[i].longest_ms);
}

static void add_calls(struct buf *b, const struct counts *c)
{
	const struct count_call *x;
	char code[8];
	size_t i, k;

	head(b, "bailey_api_requests_total", "counter", "Calls of the API that were answered.");
	for (x = c->calls; x < c->calls + c->n_calls; x++) {
		for (k = 0; k < COUNTS_STATUSES; k++) {
			if (x->by_status[k] == 0)
				continue;
			(void)str_format(code, sizeof(code), "%d", counts_statuses[k]);
			(void)buf_addf(
				b, "bailey_api_requests_total{method=\"%s\",code=\"%s\"} %llu\n",
				x->method, counts_statuses[k] ? code : "other",
				(unsigned long long)x->by_status[k]);
		}
	}
	head(b, "bailey_api_microseconds_total", "counter", "How long they took together.");
	for (i = 0; i < c->n_calls; i++)
		row(b, "bailey_api_microseconds_total", "method", c->calls[i].method,
		    c->calls[i].us);
}

static void add_api(struct buf *b, const struct daemon *d)
{
	uint64_t refused = http_server_n_refused(d->api);
	uint64_t conns = http_server_n_conns(d->api);

	if (d->api_tcp) {
		refused += http_server_n_refused(d->api_tcp);
		conns += http_server_n_conns(d->api_tcp);
	}
	one(b, "bailey_api_connections", "gauge", "Connections to the API.", conns);
	one(b, "bailey_api_refused_total", "counter", "Requests refused for rate or size.",
	    refused);
	one(b, "bailey_api_denied_total", "counter", "Requests over TCP without right credentials.",
	    d->auth ? api_auth_n_denied(d->auth) : 0);
	one(b, "bailey_event_streams", "gauge", "Followers of events.", d->n_watchers);
	one(b, "bailey_log_streams", "gauge", "Followers of logs.", d->n_log_streams);
	one(b, "bailey_audit_lost_total", "counter", "Changes that could not be recorded.",
	    d->audit.n_lost);
}

static uint64_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* without . and .. and the folder's own */
}

static void add_process(struct buf *b, const struct daemon *d)
{
	const struct host_caps *caps = hypervisor_caps(d->hypervisor);
	struct proc_figures p = { 0 };

	(void)proc_figures_read(getpid(), &p);
	one(b, "process_resident_memory_bytes", "gauge", "Memory of the daemon.", p.memory_bytes);
	one(b, "process_open_fds", "gauge", "Descriptors of the daemon.", open_fds());
	head(b, "process_cpu_seconds_total", "counter", "Processor time of the daemon.");
	(void)buf_addf(b, "process_cpu_seconds_total %llu.%03u\n",
		       (unsigned long long)(p.cpu_ms / 1000), (unsigned int)(p.cpu_ms % 1000));
	head(b, "bailey_build_info", "gauge", "What runs.");
	(void)buf_add_str(b, "bailey_build_info{version=\"" BAILEY_VERSION "\",libvirt=\"");
	api_metrics_label(b, caps->libvirt_version);
	(void)buf_add_str(b, "\",qemu=\"");
	api_metrics_label(b, caps->qemu_version);
	(void)buf_add_str(b, "\"} 1\n");
}

void api_metrics_serve(struct daemon *d, struct http_request *r)
{
	auto_buf struct buf b = BUF_MAX(METRICS_BYTES);

	add_vms(&b, d);
	add_each_vm(&b, d);
	add_events(&b, d->counts);
	add_calls(&b, d->counts);
	add_api(&b, d);
	add_process(&b, d);
	http_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", b.p, b.n, NULL);
}
