/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ccel: the log in which firmware and kernel wrote what they measured into a TD's registers
 *
 * Borrows  the bytes: all pointers are into them.
 * Trusts   nothing.  Its digests are what it tells; only a quote's registers say whether they are true.
 * Wire     TCG PC Client Platform Firmware Profile, crypto-agile log ("Spec ID Event03"), as the ACPI
 *	    table CCEL points to it and Linux shows it in /sys/firmware/acpi/tables/data/CCEL.
 *	    Little-endian.  The log ends with its bytes, or where only 0xff or only zeros follow.
 * Limits   CCEL_SIZE_MAX bytes, CCEL_EVENTS_MAX events, CCEL_ALGORITHMS_MAX digests an event.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"

enum {
	CCEL_SIZE_MAX = 2 * 1024 * 1024,
	CCEL_EVENTS_MAX = 1024,
	CCEL_ALGORITHMS_MAX = 5,
	CCEL_SHA384 = 0x000c,
	CCEL_SHA384_SIZE = 48,
	CCEL_REGISTER_MAX = 4, /* 0 is MRTD, 1 to 4 are RTMR0 to RTMR3 */
};

/* Types of events that TDX firmware writes; others are valid, too. */
enum ccel_type {
	CCEL_EV_NO_ACTION = 3, /* says something and is in no register */
	CCEL_EV_SEPARATOR = 4,
	CCEL_EV_EVENT_TAG = 6,
	CCEL_EV_PLATFORM_CONFIG_FLAGS = 0xa,
	CCEL_EV_IPL = 0xd,
};

/* Beyond what an enum can hold. */
#define CCEL_EV_EFI_VARIABLE_DRIVER_CONFIG    UINT32_C(0x80000001)
#define CCEL_EV_EFI_VARIABLE_BOOT	      UINT32_C(0x80000002)
#define CCEL_EV_EFI_BOOT_SERVICES_APPLICATION UINT32_C(0x80000003)
#define CCEL_EV_EFI_GPT			      UINT32_C(0x80000006)
#define CCEL_EV_EFI_ACTION		      UINT32_C(0x80000007)
#define CCEL_EV_EFI_PLATFORM_FIRMWARE_BLOB2   UINT32_C(0x8000000a)
#define CCEL_EV_EFI_HANDOFF_TABLES2	      UINT32_C(0x8000000b)
#define CCEL_EV_EFI_VARIABLE_BOOT2	      UINT32_C(0x8000000c)
#define CCEL_EV_EFI_VARIABLE_AUTHORITY	      UINT32_C(0x800000e0)

enum ccel_verdict {
	CCEL_OK,
	CCEL_END, /* of ccel_next(): there is no more */
	CCEL_TOO_LARGE,
	CCEL_TRUNCATED,
	CCEL_BAD_HEADER,
	CCEL_BAD_ALGORITHMS,
	CCEL_BAD_REGISTER,
	CCEL_BAD_DIGESTS,
	CCEL_BAD_END,
	CCEL_TOO_MANY,
	CCEL_VERDICT_COUNT,
};

struct ccel_algorithm {
	uint16_t id, size; /* TPM_ALG_ID; bytes of a digest */
};

struct ccel {
	struct rd rd;
	struct ccel_algorithm algorithms[CCEL_ALGORITHMS_MAX];
	size_t n_algorithms, n_events;
};

struct ccel_digest {
	uint16_t algorithm, size;
	const uint8_t *p;
};

struct ccel_event {
	uint32_t index; /* at most CCEL_REGISTER_MAX */
	uint32_t type;
	struct ccel_digest digests[CCEL_ALGORITHMS_MAX];
	size_t n_digests;
	const uint8_t *sha384; /* CCEL_SHA384_SIZE of those; NULL: there is none */
	const uint8_t *data;
	size_t n_data;
};

/* Read the header.  Return: CCEL_OK and *@ret; else what is wrong. */
enum ccel_verdict ccel_open(const void *p, size_t n, struct ccel *ret);

/* The next event.  Return: CCEL_OK and *@ret; CCEL_END; else what is wrong, and so for every call after. */
enum ccel_verdict ccel_next(struct ccel *c, struct ccel_event *ret);

/* What the verdict means, for people.  Static. */
const char *ccel_verdict_text(enum ccel_verdict v);
