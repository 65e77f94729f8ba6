/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_log: what firmware and kernel measured into a TD's registers before its init began, for a guest to pass on
 *
 * Owns     copies of its events.
 * Trusts   nothing it reads: only a quote's registers say whether a log is true.
 * Wire     a CCEL (wire/ccel.h), of which events of RTMR0 to RTMR3 are taken; or events added one by one.
 * Limits   BOOT_LOG_EVENTS_MAX events.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "tee/tee.h"

struct err;

enum { BOOT_LOG_EVENTS_MAX = 1024, BOOT_LOG_NAME_SIZE = 256 };

/* The type and the data by which dstack knows the events of ACPI tables in RTMR0. */
enum { BOOT_LOG_ACPI_TYPE = 10 };
#define BOOT_LOG_ACPI_DATA "ACPI DATA"

struct boot_log_event {
	unsigned int imr; /* below TEE_RTMR_COUNT */
	uint32_t type;
	struct digest384 digest;
	char *name, *data; /* never NULL; the name is UTF-8 */
	size_t n_data;
};

struct boot_log {
	struct boot_log_event *events;
	size_t n;
};

void boot_log_deinit(struct boot_log *log);
#define auto_boot_log __attribute__((cleanup(boot_log_deinit)))

/*
 * Add a copy of an event.  Those of ACPI tables get dstack's names (acpi-loader, acpi-rsdp, acpi-tables) if they
 * have none, and their data.  Return: 0, ERR_LIMIT, ERR_INPUT.
 */
int boot_log_add(struct boot_log *log, const struct boot_log_event *ev, struct err *e);

/* Return: 0 and a log that the caller deinits; ERR_INPUT, ERR_LIMIT. */
int boot_log_of_ccel(const void *p, size_t n, struct boot_log *ret, struct err *e);

/* The CCEL of this machine (/sys/firmware/acpi/tables/data/CCEL, or DSTACK_CCEL_FILE); no events if it has none. */
int boot_log_of_machine(struct boot_log *ret, struct err *e);

/* The registers after the events, from zero. */
void boot_log_replay(const struct boot_log *log, struct digest384 ret[static TEE_RTMR_COUNT]);

/* Is it one of the three whose data everybody needs? */
bool boot_log_is_acpi(const struct boot_log_event *ev);
