/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: a quote with the two logs that its registers replay to, in the forms in which guests hand it out
 *
 * Pure.  Borrows all that a struct evidence points to.
 * Wire     dstack's TdxEvent: imr, event_type, digest, event, event_payload[, version][, preimage]; and its
 *	    versioned attestation (wire/attestation.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tee/tee.h"

struct boot_log;
struct buf;
struct err;
struct event_log;

struct evidence {
	const struct boot_log *boot;
	const struct event_log *runtime;
	const uint8_t *quote;
	size_t n_quote;
	const uint8_t *report_data; /* TEE_REPORT_DATA_SIZE bytes */
	const char *vm_config;
};

enum evidence_detail {
	EVIDENCE_FULL,	 /* with the data of all events */
	EVIDENCE_PUBLIC, /* events of the boot without data, but "ACPI DATA", which names its three */
};

/*
 * The events of both logs, in their order.  Digests of runtime events are there, which dstack's GetQuote
 * leaves out: its SDKs replay them.  Never NULL; the caller owns it.
 */
json_t *evidence_events(const struct boot_log *boot, const struct event_log *runtime,
			enum evidence_detail detail);

/* The same as compact text in pure ASCII.  The caller frees. */
char *evidence_events_text(const struct boot_log *boot, const struct event_log *runtime,
			   enum evidence_detail detail);

/* Append the attestation: V0 where that can say everything, else V1.  Return: as buf_add(); ERR_LIMIT. */
int evidence_attestation(const struct evidence *ev, struct buf *ret, struct err *e);

/* dstack's mr_aggregated with RTMR3 as it is in @td: the config ids count if one of the three is not zero. */
struct digest256 evidence_aggregate(const struct tee_td *td);
