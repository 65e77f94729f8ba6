/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log: a list of runtime events, out of its text and into registers
 *
 * Owns     copies of its events.
 * Trusts   nothing it parses: digests are always made anew from names and payloads, none is read.
 * Limits   EVENT_LOG_SIZE_MAX bytes, EVENT_LOG_EVENTS_MAX events, those of event.h for each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "crypto/digest.h"
#include "tee/event.h"

struct err;

enum {
	EVENT_LOG_SIZE_MAX = 1024 * 1024,
	EVENT_LOG_EVENTS_MAX = 1024,
};

struct event_log {
	struct event *events; /* names and payloads are ours */
	size_t n;
};

void event_log_deinit(struct event_log *log);
#define auto_event_log __attribute__((cleanup(event_log_deinit)))

/**
 * event_log_parse() - the events of a runtime_events.log
 *
 * One JSON object a line: "event", "payload" (base64), "version" 1 or 2; other keys are an error, as is
 * a last line that does not end.
 *
 * Return: 0 and a log that the caller deinits; ERR_INPUT naming the line; ERR_LIMIT.
 */
int event_log_parse(const void *p, size_t n, struct event_log *ret, struct err *e);

/**
 * event_log_replay() - the register after the events, from zero
 * @until: stop after the first event of this name; NULL: all events
 *
 * Return: whether @until was met (true for NULL).
 */
bool event_log_replay(const struct event_log *log, const char *until, struct digest384 *ret);

/* dstack's TdxEvent array: imr, event_type, digest, event, event_payload[, version].  The caller owns it. */
json_t *event_log_json(const struct event_log *log);
