/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "guest-stub/about.h"
#include "guest-stub/machine.h"
#include "tee/tee.h"

enum { DURATION_SIZE = 96, LABEL_SIZE = 2 * MACHINE_TEXT_SIZE };

int pages_escape(struct buf *ret, const char *s)
{
	static const char special[] = "&<>\"'";
	static const char *const entity[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
	size_t n;
	int r = 0;

	while (r == 0 && *s) {
		n = strcspn(s, special);
		r = buf_add(ret, s, n);
		s += n;
		if (r == 0 && *s)
			r = buf_add_str(ret, entity[strchr(special, *s++) - special]);
	}
	return r;
}

/* A row of a table: a title of ours, a value of anybody's. */
static int row(struct buf *b, const char *title, const char *value)
{
	int r = buf_addf(b, "<tr><th>%s</th><td>", title);

	if (r == 0)
		r = pages_escape(b, value);
	return r ? r : buf_add_str(b, "</td></tr>\n");
}

static int row_hex(struct buf *b, const char *title, const struct about_bytes *v)
{
	char hex[2 * sizeof(v->b) + 1];

	str_hex(hex, v->b, v->n);
	return row(b, title, v->n ? hex : "none");
}

static int row_mib(struct buf *b, const char *title, uint64_t part, uint64_t whole)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " MiB", part >> 20,
		       whole >> 20);
	return row(b, title, text);
}

static int head(struct buf *b, const struct about *a)
{
	enum tee_kind kind = TEE_NONE;
	int r;

	if (str_equal(a->tee, tee_kind_name(TEE_TDX)))
		kind = TEE_TDX;
	else if (str_equal(a->tee, tee_kind_name(TEE_SIMULATED)))
		kind = TEE_SIMULATED;
	r = buf_add_str(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			   "<title>");

	if (r == 0)
		r = pages_escape(b, a->app_name);
	if (r == 0) {
		r = buf_add_str(
			b,
			"</title>\n<style>body{font:15px sans-serif;margin:2em;max-width:70em}"
			"th{text-align:left;padding-right:1em;vertical-align:top;white-space:"
			"nowrap}"
			"td,pre{font-family:monospace;overflow-wrap:anywhere;white-space:pre-wrap}"
			".warn{background:#fc3;padding:.6em}</style></head><body>\n<h1>");
	}
	if (r == 0)
		r = pages_escape(b, a->app_name);
	if (r == 0)
		r = buf_add_str(b, "</h1>\n");
	if (r == 0 && kind != TEE_TDX)
		r = buf_addf(b, "<p class=\"warn\">%s</p>\n", tee_kind_meaning(kind));
	return r;
}

static int identity(struct buf *b, const struct about *a)
{
	int r = buf_add_str(b, "<table>\n");

	if (r == 0)
		r = row_hex(b, "App ID", &a->app_id);
	if (r == 0)
		r = row_hex(b, "Instance ID", &a->instance_id);
	if (r == 0)
		r = row_hex(b, "Device ID", &a->device_id);
	if (r == 0)
		r = row_hex(b, "Compose hash", &a->compose_hash);
	if (r == 0)
		r = row(b, "Key provider", a->key_provider);
	if (r == 0)
		r = row(b, "Machine", a->product);
	if (r == 0)
		r = row(b, "TEE", a->tee);
	if (r == 0)
		r = row(b, "Agent", "Bailey " BAILEY_VERSION " (dstack " DSTACK_VERSION ")");
	return r ? r : buf_add_str(b, "</table>\n");
}

static int system_of(struct buf *b, const struct machine_system *m)
{
	char duration[DURATION_SIZE], load[64];
	int r = buf_add_str(b, "<h2>System</h2>\n<table>\n");

	(void)snprintf(load, sizeof(load), "%u.%02u %u.%02u %u.%02u", m->loads[0] / 100,
		       m->loads[0] % 100, m->loads[1] / 100, m->loads[1] % 100, m->loads[2] / 100,
		       m->loads[2] % 100);
	if (r == 0)
		r = row(b, "OS", m->os_name);
	if (r == 0)
		r = row(b, "Version", m->os_version);
	if (r == 0)
		r = row(b, "Kernel", m->kernel);
	if (r == 0)
		r = row(b, "CPU", m->cpu);
	if (r == 0)
		r = row_mib(b, "Memory in use", m->memory.total - m->memory.available,
			    m->memory.total);
	if (r == 0)
		r = row_mib(b, "Disk free", m->disk.free, m->disk.total);
	if (r == 0)
		r = row(b, "Load", load);
	if (r == 0)
		r = row(b, "Uptime", time_duration(duration, sizeof(duration), m->uptime));
	return r ? r : buf_add_str(b, "</table>\n");
}

static int events(struct buf *b, const struct about *a)
{
	char hex[2 * 48 + 1];
	struct digest384 d;
	size_t i;
	int r = buf_add_str(b, "<h2>Measured events</h2>\n<table>\n");

	for (i = 0; r == 0 && i < a->events.n; i++) {
		d = event_digest(&a->events.events[i]);
		str_hex(hex, d.b, sizeof(d.b));
		r = buf_add_str(b, "<tr><th>");
		if (r == 0)
			r = pages_escape(b, a->events.events[i].name);
		if (r == 0)
			r = buf_addf(b, "</th><td>%s</td></tr>\n", hex);
	}
	return r ? r : buf_add_str(b, "</table>\n");
}

static int tcb(struct buf *b, const struct about *a)
{
	int r = buf_add_str(b, "<h2>TCB info</h2>\n<pre>");

	if (r == 0)
		r = pages_escape(b, a->public_tcbinfo ? a->tcb_info : "TCB info is not public");
	return r ? r : buf_add_str(b, "</pre>\n");
}

int pages_dashboard(const struct about *a, const struct machine_system *m, struct buf *ret)
{
	int r = head(ret, a);

	if (r == 0)
		r = identity(ret, a);
	if (r == 0 && m)
		r = system_of(ret, m);
	if (r == 0 && a->public_tcbinfo)
		r = events(ret, a);
	if (r == 0)
		r = tcb(ret, a);
	return r ? r : buf_add_str(ret, "</body></html>\n");
}

/* A label value of the Prometheus text format: backslash, quote and newline escaped. */
static void label(char dst[static LABEL_SIZE], const char *s)
{
	size_t n = 0;

	for (; *s && n + 3 < LABEL_SIZE; s++) {
		if (*s == '\\' || *s == '"')
			dst[n++] = '\\';
		dst[n++] = *s == '\n' ? ' ' : *s;
	}
	dst[n] = 0;
}

static int info(struct buf *b, const char *metric, const char *name, const char *value)
{
	char escaped[LABEL_SIZE];

	label(escaped, value);
	return buf_addf(b, "%s{%s=\"%s\"} 1\n", metric, name, escaped);
}

static int disk(struct buf *b, const struct machine_disk *d)
{
	uint64_t used = d->total - d->free;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "disk_total_size", d->total },
		{ "disk_free_size", d->free },
		{ "disk_used_size", used },
		{ "disk_usage_percentage", d->total ? used * 100 / d->total : 0 },
	};
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && d->total > 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		r = buf_addf(b, "%s{name=\"%s\",mount_point=\"%s\"} %" PRIu64 "\n", rows[i].name,
			     d->name, d->mount_point, rows[i].value);
	return r;
}

int pages_metrics(const struct machine_system *m, struct buf *ret)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "system_num_cpus", m->n_cpus },
		{ "system_memory_total", m->memory.total },
		{ "system_memory_available", m->memory.available },
		{ "system_memory_used", m->memory.total - m->memory.available },
		{ "system_memory_free", m->memory.free },
		{ "system_swap_total", m->memory.swap_total },
		{ "system_swap_used", m->memory.swap_total - m->memory.swap_free },
		{ "system_swap_free", m->memory.swap_free },
		{ "system_uptime", m->uptime },
		{ "system_load_average_1m", m->loads[0] },
		{ "system_load_average_5m", m->loads[1] },
		{ "system_load_average_15m", m->loads[2] },
	};
	size_t i;
	int r = info(ret, "system_os_name", "os_name", m->os_name);

	if (r == 0)
		r = info(ret, "system_os_version", "os_version", m->os_version);
	if (r == 0)
		r = info(ret, "system_kernel_version", "kernel_version", m->kernel);
	if (r == 0)
		r = info(ret, "system_cpu_model", "cpu_model", m->cpu);
	for (i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		r = buf_addf(ret, "%s %" PRIu64 "\n", rows[i].name, rows[i].value);
	return r ? r : disk(ret, &m->disk);
}
