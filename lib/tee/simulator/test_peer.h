/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_peer: a simulated guest as a key service meets it, for tests: an image that exists, registers that fit it
 *
 * The image is the one of a recorded quote (tests/vectors/measurement/dstack-lite.json): vm_config carries its
 * document.  The quote is of a simulated world.
 *
 * Owns     the world and the texts.
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "data/sys_vm_config.h"
#include "simulator/simulator.h"
#include "tee/event.h"
#include "tee/lite.h"
#include "tee/lite_config.h"
#include "wire/attestation.h"

enum { TEST_PEER_RECORDED_MAX = 1024 * 1024, TEST_PEER_EVENTS = 16 };

struct test_peer {
	struct simulator *sim;
	char *vm_config; /* JSON text */
	struct measure_acpi acpi;
	struct measurement measurement;
};

/* What is measured of an app, and how the guest lies. */
struct test_peer_app {
	uint8_t app_id[20], compose_hash[32], instance_id[20];
	size_t n_instance_id;
	const char *key_provider; /* text of the event; NULL: it asks for keys, and has none */
	uint64_t attributes;	  /* beside SIMULATOR_ATTRIBUTES */
	const char *unquoted;	  /* an event that is in the log but not in the register; NULL */
	struct digest384 mr_config_id;
	unsigned int version; /* of events; 0: 1 */
};

static inline struct digest384 test_peer_digest(const json_t *o, const char *key)
{
	struct digest384 d;

	assert(str_unhex(d.b, sizeof(d.b), json_get_str(o, key, "")) == 0);
	return d;
}

/* What a machine with these tables measures. */
static inline void test_peer_measure(struct test_peer *t)
{
	json_t *doc = NULL;
	struct sys_vm_config vm;
	struct lite_document d;

	assert(sys_vm_config_parse(t->vm_config, strlen(t->vm_config), &doc, &vm, NULL) == 0);
	assert(lite_config_read(&vm, &d, NULL) == 0);
	assert(lite_measure(&d, vm.memory_size, true, &t->acpi, &t->measurement, NULL) == 0);
	json_decref(doc);
}

static inline void test_peer_init(struct test_peer *t, const uint8_t seed[static 32])
{
	json_t *all = NULL;
	const json_t *acpi;

	assert(json_read_file(AT_FDCWD, SOURCE_DIR "/tests/vectors/measurement/dstack-lite.json",
			      TEST_PEER_RECORDED_MAX, &all, NULL) == 0);
	*t = (struct test_peer){ .sim = simulator_new(seed),
				 .vm_config = xstrdup(json_get_str(all, "vm_config", "")) };
	acpi = json_object_get(all, "acpi");
	t->acpi = (struct measure_acpi){ test_peer_digest(acpi, "loader"),
					 test_peer_digest(acpi, "rsdp"),
					 test_peer_digest(acpi, "tables") };
	test_peer_measure(t);
	json_decref(all);
}

static inline void test_peer_deinit(struct test_peer *t)
{
	simulator_free(t->sim);
	free(t->vm_config);
}

static inline struct attestation_bytes test_peer_text(const char *s)
{
	return (struct attestation_bytes){ (const uint8_t *)s, strlen(s) };
}

static inline void test_peer_acpi(struct attestation *a, const struct digest384 *d)
{
	a->events[a->n_events++] =
		(struct attestation_event){ .imr = 0,
					    .type = BOOT_EVENT_PLATFORM_FLAGS,
					    .digest = { d->b, sizeof(d->b) },
					    .payload = test_peer_text("ACPI DATA"),
					    .version = 1 };
}

static inline void test_peer_event(struct attestation *a, const struct test_peer_app *app,
				   const char *name, const void *p, size_t n,
				   struct digest384 *rtmr3)
{
	struct event ev = { .version = app->version ? app->version : 1,
			    .name = name,
			    .payload = n ? p : "",
			    .n_payload = n };
	struct digest384 d = event_digest(&ev);

	a->runtime[a->n_runtime++] =
		(struct attestation_runtime){ test_peer_text(name), { p, n }, ev.version };
	if (!app->unquoted || !str_equal(app->unquoted, name))
		*rtmr3 = event_extend(rtmr3, &d);
}

static inline void test_peer_events(struct attestation *a, const struct test_peer_app *app,
				    struct digest384 *rtmr3)
{
	test_peer_event(a, app, "system-preparing", NULL, 0, rtmr3);
	test_peer_event(a, app, "app-id", app->app_id, sizeof(app->app_id), rtmr3);
	test_peer_event(a, app, "compose-hash", app->compose_hash, sizeof(app->compose_hash),
			rtmr3);
	test_peer_event(a, app, "instance-id", app->instance_id, app->n_instance_id, rtmr3);
	test_peer_event(a, app, "boot-mr-done", NULL, 0, rtmr3);
	if (app->key_provider) {
		test_peer_event(a, app, "key-provider", app->key_provider,
				strlen(app->key_provider), rtmr3);
		test_peer_event(a, app, "storage-fs", "ext4", 4, rtmr3);
		test_peer_event(a, app, "system-ready", NULL, 0, rtmr3);
	}
}

/* Append the attestation, with what a certificate carries. */
static inline void test_peer_attest(const struct test_peer *t, const struct test_peer_app *app,
				    const uint8_t report_data[static 64], struct buf *ret)
{
	struct attestation *a = xnew(struct attestation);
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	struct simulator_td td;
	size_t i;

	simulator_td_init(&td);
	td.attributes |= app->attributes;
	td.mr_td = t->measurement.mrtd;
	for (i = 0; i < MEASUREMENT_RTMRS; i++)
		td.rtmr[i] = t->measurement.rtmr[i];
	td.mr_config_id = app->mr_config_id;
	test_peer_acpi(a, &t->acpi.loader);
	test_peer_acpi(a, &t->acpi.rsdp);
	test_peer_acpi(a, &t->acpi.tables);
	test_peer_events(a, app, &td.rtmr[3]);
	memcpy(td.report_data, report_data, sizeof(td.report_data));
	memcpy(a->report_data, report_data, sizeof(a->report_data));
	assert(simulator_quote(t->sim, &td, &quote) == 0);
	a->quote = (struct attestation_bytes){ quote.p, quote.n };
	a->config = test_peer_text(t->vm_config);
	assert(attestation_write(a, attestation_form_of(a), ret) == 0);
	free(a);
}
