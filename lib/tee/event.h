/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: one runtime event, its digest, and its line in the log
 *
 * Wire     dstack's runtime events: event type 0x08000001, always extended into RTMR3.
 *	    V1 digest: SHA384(01 00 00 08 ':' name ':' payload)
 *	    V2 digest: SHA384(JCS {"name","payload" as hex,"type"})
 *	    log line:  {"event":"...","payload":"<base64>"[,"version":2]}\n
 * Limits   EVENT_NAME_MAX, EVENT_PAYLOAD_MAX.
 */
#pragma once

#include <stddef.h>

#include "crypto/digest.h"

struct buf;
struct err;

enum { EVENT_TYPE_RUNTIME = 0x08000001 };

enum {
	EVENT_NAME_MAX = 255,
	EVENT_PAYLOAD_MAX = 64 * 1024,
};

/* Borrows its name (UTF-8, checked by event_check) and payload. */
struct event {
	unsigned int version; /* 1 or 2: how the digest is made */
	const char *name;
	const void *payload;
	size_t n_payload;
};

/* Is it one that event_digest() and the log can carry?  Return: 0, ERR_INPUT, ERR_LIMIT. */
int event_check(const struct event *ev, struct err *e);

/* @ev has passed event_check(). */
struct digest384 event_digest(const struct event *ev);

/* What a register that held @was holds after @digest: SHA384(was || digest). */
struct digest384 event_extend(const struct digest384 *was, const struct digest384 *digest);

/* The document whose SHA-384 is the V2 digest.  Return: as buf_add(). */
int event_canonical(const struct event *ev, struct buf *ret);

/* Append the log line, newline included.  Return: as buf_add(). */
int event_line(const struct event *ev, struct buf *ret);
