/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/boot_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tee/event.h"
#include "wire/ccel.h"

#define CCEL_FILE "/sys/firmware/acpi/tables/data/CCEL"
#define CCEL_ENV  "DSTACK_CCEL_FILE"

void boot_log_deinit(struct boot_log *log)
{
	size_t i;

	for (i = 0; i < log->n; i++) {
		free(log->events[i].name);
		free(log->events[i].data);
	}
	free(log->events);
	*log = (struct boot_log){ 0 };
}

bool boot_log_is_acpi(const struct boot_log_event *ev)
{
	return ev->imr == 0 && ev->type == BOOT_LOG_ACPI_TYPE &&
	       ev->n_data == strlen(BOOT_LOG_ACPI_DATA) &&
	       memcmp(ev->data, BOOT_LOG_ACPI_DATA, ev->n_data) == 0;
}

/* dstack tells the three apart by their order. */
static const char *acpi_name(const struct boot_log *log)
{
	static const char *const names[] = { "acpi-loader", "acpi-rsdp", "acpi-tables" };
	size_t i, before = 0;

	for (i = 0; i < log->n; i++)
		before += boot_log_is_acpi(&log->events[i]);
	return before < sizeof(names) / sizeof(names[0]) ? names[before] : "";
}

int boot_log_add(struct boot_log *log, const struct boot_log_event *ev, struct err *e)
{
	struct boot_log_event *to;
	const char *name = ev->name ? ev->name : "";

	if (log->n == BOOT_LOG_EVENTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d events of the boot",
			       BOOT_LOG_EVENTS_MAX);
	if (ev->imr >= TEE_RTMR_COUNT || strlen(name) >= BOOT_LOG_NAME_SIZE) {
		return err_set(e, ERR_INPUT,
			       "event %zu of the boot: register %u, a name of %zu bytes", log->n,
			       ev->imr, strlen(name));
	}
	if (!log->events)
		log->events = xcalloc(BOOT_LOG_EVENTS_MAX, sizeof(log->events[0]));
	to = &log->events[log->n];
	*to = *ev;
	if (!*name && boot_log_is_acpi(ev))
		name = acpi_name(log);
	to->name = xstrdup(name);
	to->data = xmemdup(ev->data, ev->n_data);
	log->n++;
	return 0;
}

/* What is in no RTMR or has no SHA-384 is not passed on: it could not be checked against a quote. */
static int add_ccel(struct boot_log *log, const struct ccel_event *ev, struct err *e)
{
	struct boot_log_event to = { .type = ev->type, .data = mem_unconst(ev->data) };

	if (ev->index == 0 || !ev->sha384 || ev->type == CCEL_EV_NO_ACTION)
		return 0;
	to.imr = ev->index - 1;
	to.n_data = ev->n_data;
	memcpy(to.digest.b, ev->sha384, sizeof(to.digest.b));
	return boot_log_add(log, &to, e); /* copies */
}

int boot_log_of_ccel(const void *p, size_t n, struct boot_log *ret, struct err *e)
{
	struct boot_log log = { 0 };
	struct ccel c;
	struct ccel_event ev;
	enum ccel_verdict v = ccel_open(p, n, &c);
	int r = 0;

	while (r == 0 && v == CCEL_OK) {
		v = ccel_next(&c, &ev);
		if (v == CCEL_OK)
			r = add_ccel(&log, &ev, e);
	}
	if (r == 0 && v != CCEL_END)
		r = err_set(e, ERR_INPUT, "CCEL: %s", ccel_verdict_text(v));
	if (r < 0) {
		boot_log_deinit(&log);
		return r;
	}
	*ret = log;
	return 0;
}

int boot_log_of_machine(struct boot_log *ret, struct err *e)
{
	const char *path = getenv(CCEL_ENV);
	auto_buf struct buf b = { 0 };
	int r;

	r = file_read(AT_FDCWD, path ? path : CCEL_FILE, CCEL_SIZE_MAX, &b, e);
	if (r == -ENOENT && !path) {
		*ret = (struct boot_log){ 0 };
		return 0;
	}
	return r ? r : boot_log_of_ccel(b.p, b.n, ret, e);
}

void boot_log_replay(const struct boot_log *log, struct digest384 ret[static TEE_RTMR_COUNT])
{
	struct digest384 *mr;
	size_t i;

	memset(ret, 0, TEE_RTMR_COUNT * sizeof(*ret));
	for (i = 0; i < log->n; i++) {
		mr = &ret[log->events[i].imr];
		*mr = event_extend(mr, &log->events[i].digest);
	}
}
