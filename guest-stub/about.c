/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/about.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/machine.h"
#include "guest-stub/share.h"
#include "guest-stub/state.h"
#include "tee/boot_log.h"
#include "tee/evidence.h"
#include "tee/runtime_log.h"

enum {
	VM_CONFIG_MAX = 64 * 1024,
	COMPOSE_SHOWN_MAX = 4 * 1024 * 1024, /* a larger one would not fit into the reply */
};

static void take_hex(struct about_bytes *to, const char *hex)
{
	size_t n = strlen(hex) / 2;

	to->n = 0;
	if (n <= sizeof(to->b) && str_unhex(to->b, n, hex) == 0)
		to->n = n;
}

static void take_hash_of_image(struct about *a)
{
	json_t *j = NULL;

	if (json_parse(a->vm_config, strlen(a->vm_config), VM_CONFIG_MAX, "vm_config", &j, NULL) <
	    0)
		return;
	take_hex(&a->os_image_hash, json_get_str(j, "os_image_hash", ""));
	json_decref(j);
}

static void add_hex(json_t *j, const char *key, const struct about_bytes *v)
{
	char hex[2 * sizeof(v->b) + 1];

	str_hex(hex, v->b, v->n);
	(void)json_object_set_new(j, key, json_string(hex));
}

static json_t *hex_of(const struct digest384 *d)
{
	char hex[2 * sizeof(d->b) + 1];

	str_hex(hex, d->b, sizeof(d->b));
	return json_string(hex);
}

/* dstack's tcb_info.  Registers are null (@td is NULL) without a TEE: software ones would look like proof. */
static char *tcb_info_of(const struct about *a, const struct boot_log *boot,
			 const struct tee_td *td)
{
	static const char *const registers[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
	json_t *j = json_object();
	char *text;
	size_t i;

	(void)json_object_set_new(j, "mrtd", td ? hex_of(&td->mrtd) : json_null());
	for (i = 0; i < TEE_RTMR_COUNT; i++)
		(void)json_object_set_new(j, registers[i], td ? hex_of(&td->rtmr[i]) : json_null());
	add_hex(j, "mr_aggregated", &a->mr_aggregated);
	add_hex(j, "os_image_hash", &a->os_image_hash);
	add_hex(j, "compose_hash", &a->compose_hash);
	add_hex(j, "device_id", &a->device_id);
	(void)json_object_set_new(j, "event_log", evidence_events(boot, &a->events, EVIDENCE_FULL));
	(void)json_object_set_new(j, "app_compose", json_string(a->compose));
	(void)json_object_set_new(j, "tee", json_string(a->tee));
	text = json_pretty_ascii(j);
	json_decref(j);
	return text;
}

static int open_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(e, errno, "open %s", path) : fd;
}

static int load_events(const char *log_dir, struct about *a, struct err *e)
{
	auto_close int fd = open_dir(log_dir, e);

	return fd < 0 ? fd : runtime_log_read(fd, &a->events, e);
}

/* "{}" if there is none, or none that is text. */
static char *key_provider_of(const struct event_log *events)
{
	const struct event *ev = events->events;
	size_t i;

	for (i = 0; i < events->n; i++, ev++) {
		if (str_equal(ev->name, "key-provider"))
			break;
	}
	if (i == events->n || memchr(ev->payload, 0, ev->n_payload) ||
	    !str_is_utf8(ev->payload, ev->n_payload))
		return xstrdup("{}");
	return xasprintf("%.*s", (int)ev->n_payload, (const char *)ev->payload);
}

static int load_compose(const char *share_dir, struct buf *ret, struct err *e)
{
	auto_close int fd = open_dir(share_dir, e);

	return fd < 0 ? fd : file_read(fd, SHARE_COMPOSE, SHARE_COMPOSE_MAX, ret, e);
}

int about_load(const char *state_dir, const char *log_dir, const char *share_dir, struct about *ret,
	       struct err *e)
{
	struct digest256 nothing =
		digest256_bytes("", 0); /* as dstack's agents: no device is known */
	static const struct boot_log no_boot;
	auto_buf struct buf compose = { 0 };
	struct about a = { 0 };
	bool is_shown;
	int r = state_read(state_dir, &a.state, e);

	if (r == 0)
		r = load_events(log_dir, &a, e);
	if (r == 0)
		r = load_compose(share_dir, &compose, e);
	if (r < 0) {
		about_deinit(&a);
		return r;
	}
	a.app_name = json_get_str(a.state, "app_name", "");
	a.tee = json_get_str(a.state, "tee", "none");
	a.vm_config = json_get_str(a.state, "vm_config", "");
	a.public_sysinfo = json_get_bool(a.state, "public_sysinfo", false);
	a.public_tcbinfo = json_get_bool(a.state, "public_tcbinfo", false);
	take_hex(&a.app_id, json_get_str(a.state, "app_id", ""));
	take_hex(&a.instance_id, json_get_str(a.state, "instance_id", ""));
	take_hex(&a.compose_hash, json_get_str(a.state, "compose_hash", ""));
	memcpy(a.device_id.b, nothing.b, sizeof(nothing.b));
	a.device_id.n = sizeof(nothing.b);
	take_hash_of_image(&a);
	is_shown = compose.p && compose.n <= COMPOSE_SHOWN_MAX;
	a.compose = xstrdup(is_shown ? (char *)compose.p : "");
	a.key_provider = key_provider_of(&a.events);
	a.tcb_info = tcb_info_of(&a, &no_boot, NULL);
	machine_line("/sys/class/dmi/id/sys_vendor", a.vendor, sizeof(a.vendor));
	machine_line("/sys/class/dmi/id/product_name", a.product, sizeof(a.product));
	*ret = a;
	return 0;
}

static void tell(struct about *a, const struct guest_tee *t, const struct tee_td *td)
{
	struct digest256 d;

	if (td) {
		d = evidence_aggregate(td);
		memcpy(a->mr_aggregated.b, d.b, sizeof(d.b));
		a->mr_aggregated.n = sizeof(d.b);
	}
	free(a->tcb_info);
	a->tcb_info = tcb_info_of(a, &t->boot, td);
}

int about_measure(struct about *a, const struct guest_tee *t, struct err *e)
{
	struct tee_td td;
	int r;

	if (t->tee.kind == TEE_NONE)
		return 0;
	r = tee_td(&t->tee, &td, e);
	if (r == 0)
		tell(a, t, &td);
	return r;
}

/* Those that are new: payloads of the others stay where they are, as certificates that are being made borrow them. */
static void take_new(struct about *a, struct event_log *events)
{
	struct event *all;
	size_t n = a->events.n;

	if (events->n > n) {
		all = xcalloc(events->n, sizeof(*all));
		if (n > 0)
			memcpy(all, a->events.events, n * sizeof(*all));
		memcpy(all + n, events->events + n, (events->n - n) * sizeof(*all));
		free(a->events.events);
		a->events = (struct event_log){ all, events->n };
		events->n = n;
	}
	event_log_deinit(events);
}

void about_renew(struct about *a, const struct guest_tee *t, struct event_log *events,
		 const struct tee_td *td)
{
	take_new(a, events);
	tell(a, t, td);
}

void about_deinit(struct about *a)
{
	json_decref(a->state);
	event_log_deinit(&a->events);
	free(a->compose);
	free(a->key_provider);
	free(a->tcb_info);
	*a = (struct about){ 0 };
}
