/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account: what a log of a boot's events says of its app, and what is wrong with it
 *
 * Owns     the log's runtime events and the findings.
 * Trusts   nothing: digests of runtime events are made anew and compared with those told.  Those of the
 *          firmware's events, whose data is not in the log, are taken as told: only a quote's registers
 *          say whether they are true.
 * Wire     a runtime_events.log (event_log.h); dstack's JSON list of events (imr, event_type, digest,
 *          event, event_payload[, version]); or an object that holds such a list, or its text, as
 *          "event_log", as the answer to GetQuote does.
 * Limits   EVENT_LOG_SIZE_MAX bytes, EVENT_LOG_EVENTS_MAX events, ACCOUNT_FINDINGS_MAX findings: of
 *          more the last says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "crypto/digest.h"
#include "tee/event_log.h"
#include "tee/tee.h"

struct err;

enum { ACCOUNT_FINDINGS_MAX = 64, ACCOUNT_TEXT_SIZE = 160, ACCOUNT_ANY = -1 };

struct account_finding {
	const char *check; /* static: digest, register, payload, order, doubled, missing, more */
	int event;	   /* which of log.events; ACCOUNT_ANY: none, or one of no runtime event */
	char text[ACCOUNT_TEXT_SIZE]; /* our own words and hex: fit for a terminal */
};

struct account {
	struct event_log log; /* what went into RTMR3 */
	struct digest384 rtmr[TEE_RTMR_COUNT];
	size_t n_firmware; /* events of RTMR0 to 2 */
	bool has_boot_mr;
	struct digest384 boot_mr; /* RTMR3 after boot-mr-done: what keys of the boot are bound to */
	struct account_finding findings[ACCOUNT_FINDINGS_MAX];
	size_t n_findings;
};

/* Return: 0 and *@ret, the caller's; ERR_INPUT or ERR_LIMIT for what is no log. */
int account_read(const void *p, size_t n, struct account **ret, struct err *e);
void account_free(struct account *a);

/* The first event of @name up to system-ready, which is where a system's own end; NULL: none. */
const struct event *account_event(const struct account *a, const char *name);
