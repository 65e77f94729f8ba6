/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account: what a log of a boot's events says of its app and its machine, and what is wrong with it
 *
 * Owns     the log's events and the findings.
 * Trusts   nothing: digests of runtime events are made anew and compared with those told, and so are those of the
 *          firmware's events whose data is in the log.  Those of the others are taken as told: only a quote's
 *          registers say whether they are true.
 * Wire     a runtime_events.log (event_log.h); dstack's JSON list of events (imr, event_type, digest,
 *          event, event_payload[, version][, preimage]); an object that holds such a list, or its text, as
 *          "event_log", as the answer to GetQuote does; or a CCEL (wire/ccel.h), which tells of firmware only.
 * Limits   EVENT_LOG_SIZE_MAX bytes (CCEL_SIZE_MAX), EVENT_LOG_EVENTS_MAX events, ACCOUNT_FINDINGS_MAX findings:
 *          of more the last says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "crypto/digest.h"
#include "tee/event_log.h"
#include "tee/tee.h"

struct err;

enum { ACCOUNT_FINDINGS_MAX = 64, ACCOUNT_TEXT_SIZE = 160, ACCOUNT_ANY = -1 };

struct account_finding {
	const char *
		check; /* static: digest, preimage, register, payload, order, doubled, missing, more */
	int event;     /* which of log.events; ACCOUNT_ANY: none, or one of no runtime event */
	int entry;     /* which of entries; ACCOUNT_ANY: none */
	bool is_later; /* missing, and comes after boot-mr-done: a guest that asks for keys has none yet */
	char text[ACCOUNT_TEXT_SIZE]; /* our own words and hex: fit for a terminal */
};

enum account_form {
	ACCOUNT_LINES, /* of a guest's runtime events */
	ACCOUNT_LIST,  /* dstack's, of all registers or of some */
	ACCOUNT_CCEL,  /* of firmware */
};

/* One event of any register, in the log's order. */
struct account_entry {
	int imr; /* 0 to 3; ACCOUNT_ANY: it went into no RTMR */
	uint32_t type;
	struct digest384 digest;
	const char *name; /* of a runtime event its own, of another a static word (firmware.h) */
	const uint8_t *data;
	size_t n_data;
	int event; /* which of log.events; ACCOUNT_ANY */
};

struct account {
	enum account_form form;
	struct event_log log; /* what went into RTMR3 */
	struct account_entry *entries;
	size_t n_entries;
	struct digest384 rtmr[TEE_RTMR_COUNT];
	size_t n_firmware; /* events of RTMR0 to 2 */
	bool is_stripped;  /* of those only the ACPI tables' were kept, as in a certificate */
	bool has_boot_mr;
	struct digest384 boot_mr; /* RTMR3 after boot-mr-done: what keys of the boot are bound to */
	struct account_finding findings[ACCOUNT_FINDINGS_MAX];
	size_t n_findings;
};

/* Return: 0 and *@ret, the caller's; ERR_INPUT or ERR_LIMIT for what is no log. */
int account_read(const void *p, size_t n, struct account **ret, struct err *e);

/* The same of dstack's list, parsed already and borrowed. */
int account_read_list(const json_t *list, struct account **ret, struct err *e);
void account_free(struct account *a);

/* The first event of @name up to system-ready, which is where a system's own end; NULL: none. */
const struct event *account_event(const struct account *a, const char *name);
