/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_list: ps and info, what is there */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/vm.h"
#include "data/json.h"

static const struct table_column ps_columns[] = {
	{ "NAME", true },  { "ID", false },	{ "STATE", false },
	{ "STEP", true },  { "UPTIME", false }, { "TEE", false },
	{ "IMAGE", true }, { "PORTS", true },	{ NULL, false },
};

/* The same with where gateways publish them, if one of them is published. */
static const struct table_column published_columns[] = {
	{ "NAME", true },    { "ID", false },  { "STATE", false }, { "STEP", true },
	{ "UPTIME", false }, { "TEE", false }, { "IMAGE", true },  { "PORTS", true },
	{ "ADDRESS", true }, { NULL, false },
};

/* "127.0.0.1:18080->8080" for each port. */
static int ports(const json_t *vm, struct buf *ret)
{
	const json_t *p, *list = json_object_get(vm_configuration(vm), "ports");
	const char *protocol;
	size_t i;
	int rc = 0;

	json_array_foreach(list, i, p) {
		protocol = vm_str(p, "protocol");
		if (rc == 0) {
			rc = buf_addf(ret, "%s%s:%llu->%llu%s%s", i ? ", " : "",
				      vm_str(p, "host_address"),
				      (unsigned long long)json_get_u64(p, "host_port", 0),
				      (unsigned long long)json_get_u64(p, "vm_port", 0),
				      str_equal(protocol, "tcp") ? "" : "/",
				      str_equal(protocol, "tcp") ? "" : protocol);
		}
	}
	return rc;
}

static const char *step(const json_t *vm, char *dst, size_t size)
{
	const char *error = vm_str(vm, "boot_error");

	if (*error)
		return error;
	if (!vm_is_down(vm))
		return vm_str(vm, "boot_progress");
	return *vm_end(vm, dst, size) ? dst : vm_str(vm, "shutdown_progress");
}

/* The first; the others bailey info shows. */
static const char *address(const json_t *vm)
{
	const char *first = json_string_value(json_array_get(json_object_get(vm, "addresses"), 0));

	if (vm_lacks_gateway(vm))
		return "(after a restart)";
	return first ? first : "";
}

static void ps_row(struct table *t, const json_t *vm, bool is_published)
{
	auto_buf struct buf where = BUF_MAX(64 * 1024);
	enum colour colour;
	const char *state = vm_state(vm, &colour);
	char end[VM_TEXT_MAX];

	(void)ports(vm, &where);
	table_cell(t, COLOUR_NONE, "%s", vm_name(vm));
	table_cell(t, COLOUR_NONE, "%.*s", VM_SHORT_ID, vm_id(vm));
	table_cell(t, colour, "%s", state);
	table_cell(t, COLOUR_NONE, "%s", step(vm, end, sizeof(end)));
	table_cell(t, COLOUR_NONE, "%s", vm_is_down(vm) ? "" : vm_str(vm, "uptime"));
	table_cell(t, str_equal(vm_tee(vm), "TDX") ? COLOUR_NONE : COLOUR_BUSY, "%s", vm_tee(vm));
	table_cell(t, COLOUR_NONE, "%s", vm_str(vm_configuration(vm), "image"));
	table_cell(t, COLOUR_NONE, "%s", where.n ? (const char *)where.p : "");
	if (is_published)
		table_cell(t, COLOUR_NONE, "%s", address(vm));
}

static void ps_table(const struct cli *c, const json_t *vms)
{
	bool is_published = false;
	struct table *t;
	const json_t *vm;
	size_t i;

	json_array_foreach(vms, i, vm)
		is_published = is_published || *address(vm);
	t = table_new(is_published ? published_columns : ps_columns);
	json_array_foreach(vms, i, vm)
		ps_row(t, vm, is_published);
	cli_table(c, t);
}

int cmd_ps(struct cli *c, struct err *e)
{
	json_t *vms = NULL;
	int rc = api_vms(&c->api, 0, &vms, e);

	if (rc < 0)
		return rc;
	if (c->wants_json) {
		cli_json(vms);
	} else if (json_array_size(vms) == 0) {
		cli_say(c, "no VMs; bailey up FILE makes one\n");
	} else {
		ps_table(c, vms);
	}
	json_decref(vms);
	return 0;
}

static void line(const char *key, const char *value)
{
	char shown[2048];

	if (*value)
		(void)printf("%-16s%s\n", key,
			     str_escape(shown, sizeof(shown), value, strlen(value)));
}

static void number(const char *key, uint64_t n, const char *unit)
{
	(void)printf("%-16s%llu%s\n", key, (unsigned long long)n, unit);
}

static void interfaces(const json_t *vm)
{
	const json_t *i, *list = json_object_get(vm, "interfaces");
	char text[256];
	size_t k;

	json_array_foreach(list, k, i) {
		(void)str_format(text, sizeof(text), "%.40s, %.20s, %.40s", vm_str(i, "mode"),
				 vm_str(i, "mac"), vm_str(i, "backend"));
		line(k ? "" : "network", text);
	}
}

static void last_events(const json_t *vm)
{
	enum { SHOWN = 10 };
	const json_t *ev, *list = json_object_get(vm, "events");
	size_t i, n = json_array_size(list);
	char when[32], name[64], shown[256];
	const char *event, *body;
	bool is_first = true;

	for (i = n > SHOWN ? n - SHOWN : 0; i < n; i++) {
		ev = json_array_get(list, i);
		(void)time_rfc3339(when, sizeof(when), json_get_u64(ev, "timestamp", 0) / 1000);
		event = vm_str(ev, "event");
		body = vm_str(ev, "body");
		(void)printf("%-16s%s  %s%s%s\n", is_first ? "events" : "", when,
			     str_escape(name, sizeof(name), event, strlen(event)),
			     *body ? ": " : "",
			     str_escape(shown, sizeof(shown), body, strlen(body)));
		is_first = false;
	}
}

/* What the VM is to others, or what it misses. */
static void gateway(const json_t *vm)
{
	const json_t *g = json_object_get(vm_configuration(vm), "gateway_service");
	uint64_t port = json_get_u64(g, "port", 0);
	char text[VM_TEXT_MAX];

	if (json_is_object(g)) {
		(void)str_format(text, sizeof(text),
				 "of *.%.190s, port %llu; guests register at %.150s",
				 vm_str(g, "domain"), (unsigned long long)port, vm_str(g, "url"));
		line("gateway", text);
	}
	if (vm_lacks_gateway(vm)) {
		(void)str_format(text, sizeof(text),
				 "it was started before its gateway was there; to register: bailey "
				 "restart %.100s",
				 vm_name(vm));
		line("gateway", text);
	}
}

static void show(const json_t *vm)
{
	const json_t *cfg = vm_configuration(vm);
	auto_buf struct buf where = BUF_MAX(64 * 1024);
	char ended[96], end[VM_TEXT_MAX];
	enum colour colour;

	line("name", vm_str(vm, "name"));
	line("id", vm_id(vm));
	line("state", vm_state(vm, &colour));
	line("boot step", vm_str(vm, "boot_progress"));
	line("boot error", vm_str(vm, "boot_error"));
	line("shutdown step", vm_str(vm, "shutdown_progress"));
	line("uptime", vm_is_down(vm) ? "" : vm_str(vm, "uptime"));
	(void)str_format(ended, sizeof(ended), "%.80s ago", vm_str(vm, "exited_at"));
	line("ended", vm_is_down(vm) && !str_equal(ended, "never ago") ? ended : "");
	line("why", vm_end(vm, end, sizeof(end)));
	line("app id", vm_str(vm, "app_id"));
	line("instance id", vm_str(vm, "instance_id"));
	line("tee", vm_tee(vm));
	if (*vm_tee_warning(vm))
		line("", "not confidential: whoever runs the host can read and change this VM");
	line("image", vm_str(cfg, "image"));
	line("image version", vm_str(vm, "image_version"));
	number("cpus", json_get_u64(cfg, "vcpu", 0), "");
	number("memory", json_get_u64(cfg, "memory", 0), "M");
	number("disk", json_get_u64(cfg, "disk_size", 0), "G");
	if (ports(vm, &where) == 0 && where.n)
		line("ports", (const char *)where.p);
	where.n = 0;
	if (vm_addresses(vm, ", ", &where) == 0 && where.n)
		line("addresses", (const char *)where.p);
	gateway(vm);
	interfaces(vm);
	last_events(vm);
}

int cmd_info(struct cli *c, struct err *e)
{
	json_t *vm = NULL;
	int rc = cli_vm(c, 0, &vm, e);

	if (rc < 0)
		return rc;
	if (c->wants_json)
		cli_json(vm);
	else
		show(vm);
	json_decref(vm);
	return 0;
}
