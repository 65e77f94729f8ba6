/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measurement: what a TDX guest's registers hold once its kernel runs, and the events that made them
 *
 * Owns     nothing: a plain value; the names of events are static.
 * Invariant rtmr[i] is the replay of the events with imr i, from zero.  RTMR3 is not here: the guest
 *          extends it itself (event_log.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

enum {
	MEASUREMENT_RTMRS = 3,
	MEASUREMENT_EVENTS_MAX = 24, /* 13 of RTMR0, 5 of RTMR1, 2 of RTMR2 today */
};

/*
 * The types of the TCG's PC client specification, as EDK2 writes them into its log.  No enum: its constants
 * are ints, which these do not fit.
 */
#define BOOT_EVENT_SEPARATOR	   UINT32_C(0x00000004)
#define BOOT_EVENT_EVENT_TAG	   UINT32_C(0x00000006) /* of Linux's EFI stub: command line, initrd */
#define BOOT_EVENT_PLATFORM_FLAGS  UINT32_C(0x0000000a) /* "ACPI DATA" */
#define BOOT_EVENT_VARIABLE_CONFIG UINT32_C(0x80000001) /* SecureBoot, PK, KEK, db, dbx */
#define BOOT_EVENT_VARIABLE_BOOT   UINT32_C(0x80000002) /* BootOrder, Boot0000 */
#define BOOT_EVENT_APPLICATION	   UINT32_C(0x80000003) /* the kernel */
#define BOOT_EVENT_ACTION	   UINT32_C(0x80000007)
#define BOOT_EVENT_FIRMWARE_BLOB   UINT32_C(0x8000000a) /* the CFV */
#define BOOT_EVENT_HANDOFF_TABLES  UINT32_C(0x8000000b) /* the TD HOB */

struct boot_event {
	unsigned int imr; /* RTMR: 0 to 2 */
	uint32_t type;
	struct digest384 digest;
	/*
	 * A stable word for programs, static: td-hob, cfv, secure-boot, pk, kek, db, dbx, separator,
	 * acpi-loader, acpi-rsdp, acpi-tables, boot-order, boot-0000 (RTMR0); kernel, boot-option, separator,
	 * exit-boot-services, exit-boot-services-done (RTMR1); cmdline, initrd (RTMR2).
	 */
	const char *name;
};

struct measurement {
	struct digest384 mrtd, rtmr[MEASUREMENT_RTMRS];
	struct boot_event events[MEASUREMENT_EVENTS_MAX]; /* in the order of a real log */
	size_t n_events;
};

/* The event of that register and name; NULL: none. */
const struct boot_event *measurement_event(const struct measurement *m, unsigned int imr,
					   const char *name);
