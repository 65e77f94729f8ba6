/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"

const char *vm_str(const json_t *vm, const char *key)
{
	return json_get_str(vm, key, "");
}

const char *vm_id(const json_t *vm)
{
	return vm_str(vm, "id");
}

const char *vm_name(const json_t *vm)
{
	const char *name = vm_str(vm, "name");

	return *name ? name : vm_id(vm);
}

const json_t *vm_configuration(const json_t *vm)
{
	return json_object_get(vm, "configuration");
}

bool vm_is(const json_t *vm, const char *status)
{
	return str_equal(vm_str(vm, "status"), status);
}

bool vm_is_down(const json_t *vm)
{
	return vm_is(vm, "stopped") || vm_is(vm, "exited");
}

/* Fill *@ret with the first that fits; count all. */
static size_t count(const json_t *vms, bool (*fits)(const json_t *vm, const char *what),
		    const char *what, const json_t **ret)
{
	const json_t *vm;
	size_t i, n = 0;

	json_array_foreach(vms, i, vm) {
		if (!fits(vm, what))
			continue;
		if (n++ == 0)
			*ret = vm;
	}
	return n;
}

static bool has_id(const json_t *vm, const char *what)
{
	return str_equal(vm_id(vm), what);
}

static bool has_name(const json_t *vm, const char *what)
{
	return *what && str_equal(vm_str(vm, "name"), what);
}

static bool has_prefix(const json_t *vm, const char *what)
{
	return *what && str_starts(vm_id(vm), what);
}

static int ambiguous(const json_t *vms, bool (*fits)(const json_t *vm, const char *what),
		     const char *what, size_t n, struct err *e)
{
	char list[256] = "", shown[64];
	const json_t *vm;
	size_t i, at = 0;
	int used;

	json_array_foreach(vms, i, vm) {
		if (!fits(vm, what))
			continue;
		used = str_format(list + at, sizeof(list) - at, "%s%.13s (%.40s)", at ? ", " : "",
				  vm_id(vm), vm_name(vm));
		at += used > 0 ? (size_t)used : 0;
	}
	return err_set(e, ERR_INPUT, "%s could be %zu VMs; give more of the id: %s",
		       str_escape(shown, sizeof(shown), what, strlen(what)), n, list);
}

int vm_find(const json_t *vms, const char *what, const json_t **ret, struct err *e)
{
	static bool (*const ways[])(const json_t *vm, const char *what) = { has_id, has_name,
									    has_prefix };
	char shown[64];
	size_t i, n;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		n = count(vms, ways[i], what, ret);
		if (n == 1)
			return 0;
		if (n > 1)
			return ambiguous(vms, ways[i], what, n, e);
	}
	return err_set(e, ERR_NOT_FOUND, "no VM %s; bailey ps lists them",
		       str_escape(shown, sizeof(shown), what, strlen(what)));
}

const char *vm_tee(const json_t *vm)
{
	const json_t *c = vm_configuration(vm);

	if (*vm_str(c, "simulated_tee"))
		return "simulated";
	return json_get_bool(c, "no_tee", 0) ? "none" : "TDX";
}

const char *vm_tee_warning(const json_t *vm)
{
	const char *tee = vm_tee(vm);

	if (str_equal(tee, "simulated"))
		return " (simulated TEE: not confidential)";
	return str_equal(tee, "none") ? " (no TEE: not confidential)" : "";
}

/* It should run and does not: is something done about it? */
static const char *exited(const json_t *vm, enum colour *ret)
{
	bool gave_up = json_get_bool(vm, "restart_gave_up", false);

	if (!gave_up && json_get_u64(vm, "restart_at_ms", 0))
		return "restarting";
	*ret = COLOUR_BAD;
	return gave_up ? "gave up" : "exited";
}

/* For people; a word that is not here is shown as it is. */
static const char *exit_words(const char *reason)
{
	static const struct {
		const char *reason, *words;
	} known[] = {
		{ "stopped", "stopped" },
		{ "killed", "killed" },
		{ "power-off", "guest powered off" },
		{ "reboot", "guest rebooted" },
		{ "panic", "kernel panic" },
		{ "crash", "QEMU crashed" },
		{ "host", "ended from outside" },
		{ "vsock", "vsock lost" },
		{ "unknown", "ended unseen" },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_equal(reason, known[i].reason))
			return known[i].words;
	}
	return reason;
}

const char *vm_end(const json_t *vm, char *dst, size_t size)
{
	uint64_t attempts = json_get_u64(vm, "restart_attempts", 0), now = time_unix_ms();
	uint64_t at = json_get_u64(vm, "restart_at_ms", 0);
	const char *why = exit_words(vm_str(vm, "exit_reason"));

	dst[0] = 0;
	if (!vm_is_down(vm) || !*why)
		return dst;
	if (vm_is(vm, "stopped"))
		(void)str_copy(dst, size, why);
	else if (json_get_bool(vm, "restart_gave_up", false))
		(void)str_format(dst, size, "%s, after %llu start%s", why,
				 (unsigned long long)attempts, attempts == 1 ? "" : "s");
	else if (at > now)
		(void)str_format(dst, size, "%s, starts again in %llu s", why,
				 (unsigned long long)((at - now + 999) / 1000));
	else
		(void)str_format(dst, size, "%s%s", why, at ? ", starts again" : "");
	return dst;
}

/* As guests begin it, dstack's too. */
#define NO_ROUTE     "dstack-gateway registration failed"
#define NO_ROUTE_WHY NO_ROUTE ", the app has no ingress route: "

const char *vm_no_route(const char *boot_error)
{
	if (str_starts(boot_error, NO_ROUTE_WHY))
		return boot_error + strlen(NO_ROUTE_WHY);
	return str_starts(boot_error, NO_ROUTE) ? boot_error : NULL;
}

const char *vm_state(const json_t *vm, enum colour *ret)
{
	const char *error = vm_str(vm, "boot_error");
	bool is_unreached = vm_no_route(error);

	*ret = COLOUR_BUSY;
	if (vm_is(vm, "stopped")) {
		*ret = COLOUR_DIM;
		return "stopped";
	}
	if (vm_is(vm, "exited"))
		return exited(vm, ret);
	if (!vm_is(vm, "running"))
		return vm_str(vm, "status");
	if (*error && !is_unreached) {
		*ret = COLOUR_BAD;
		return "failed";
	}
	if (str_equal(vm_str(vm, "boot_progress"), "done")) {
		*ret = is_unreached ? COLOUR_BUSY : COLOUR_GOOD;
		return "up";
	}
	/* the daemon was restarted, or the image cannot tell: all that is known is that it runs */
	if (str_equal(vm_str(vm, "boot_progress"), "running") ||
	    str_equal(vm_str(vm, "boot_progress"), "N/A")) {
		*ret = COLOUR_GOOD;
		return "running";
	}
	return "booting";
}

/* An address that listens everywhere is reached at the loopback one. */
static const char *reachable(const char *address)
{
	if (!*address || str_equal(address, "0.0.0.0"))
		return "127.0.0.1";
	return str_equal(address, "::") ? "::1" : address;
}

/* What listens there nearly always; for others there is no telling. */
static const char *scheme_of(uint64_t guest_port)
{
	switch (guest_port) {
	case 80:
	case 8080:
	case 8090: /* the guest agent */
		return "http://";
	case 443:
	case 8443:
		return "https://";
	default:
		return "";
	}
}

static int address(const json_t *port, char *dst, size_t size)
{
	const char *host = reachable(vm_str(port, "host_address"));
	unsigned int from = (unsigned int)json_get_u64(port, "host_port", 0) & 0xffff;
	uint64_t to = json_get_u64(port, "vm_port", 0);
	const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";
	bool is_udp = str_equal(vm_str(port, "protocol"), "udp");

	return str_format(dst, size, "%s%s%.64s%s:%u", is_udp ? "udp " : scheme_of(to), open, host,
			  close, from);
}

json_t *vm_addresses_json(const json_t *vm)
{
	const json_t *port, *ports = json_object_get(vm_configuration(vm), "ports");
	json_t *list = json_array();
	const json_t *of_gateways = json_object_get(vm, "addresses"), *one;
	const char *url = vm_str(vm, "app_url");
	char text[VM_TEXT_MAX];
	size_t i;

	json_array_foreach(of_gateways, i, one) {
		if (json_is_string(one))
			(void)json_array_append_new(list, json_string(json_string_value(one)));
	}
	/* no gateway that the daemon knows, or a daemon of before */
	if (*url && !json_array_size(of_gateways))
		(void)json_array_append_new(list, json_string(url));
	json_array_foreach(ports, i, port) {
		if (address(port, text, sizeof(text)) > 0)
			(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

int vm_addresses(const json_t *vm, const char *separator, struct buf *ret)
{
	json_t *list = vm_addresses_json(vm);
	char shown[VM_TEXT_MAX];
	const json_t *j;
	size_t i;
	int rc = 0;

	json_array_foreach(list, i, j) {
		if (rc == 0) {
			rc = buf_addf(ret, "%s%s", i ? separator : "",
				      str_escape(shown, sizeof(shown), json_string_value(j),
						 json_string_length(j)));
		}
	}
	json_decref(list);
	return rc;
}

bool vm_lacks_gateway(const json_t *vm)
{
	return vm_is(vm, "running") && json_get_bool(vm, "lacks_gateway", false);
}

int vm_events_after(const json_t *vm, struct vm_event_cursor *at, vm_event_fn fn, void *arg)
{
	const json_t *events = json_object_get(vm, "events"), *ev;
	struct vm_event_cursor begin = *at;
	json_int_t when;
	size_t i, same = 0;
	int rc = 0;

	json_array_foreach(events, i, ev) {
		when = json_integer_value(json_object_get(ev, "timestamp"));
		if (when < begin.last || (when == begin.last && same++ < begin.n_same))
			continue;
		at->n_same = when == at->last ? at->n_same + 1 : 1;
		at->last = when;
		rc = fn(vm_str(ev, "event"), vm_str(ev, "body"), when, arg);
		if (rc < 0)
			break;
	}
	return rc;
}
