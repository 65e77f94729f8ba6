/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: what the guest tells its host, in order, without waiting for it
 *
 * PID 1 hands each notice to a child, `bailey-guest notifier`, over a socket of datagrams; the child
 * calls Notify on the host's API.  So a deaf host delays nothing but the end, and that by a bound.
 *
 * Wire     datagrams: first the URL, then "event\0payload" each.
 * Limits   a payload is cut at NOTICE_PAYLOAD_MAX (hosts drop more than 4096 bytes); when some
 *	    hundred notices wait, further ones are dropped with a log line.
 */
#pragma once

#include <stddef.h>

struct err;
struct supervisor;

enum {
	NOTICE_PAYLOAD_MAX = 4000,
	NOTICE_EVENT_MAX = 64,
	NOTICE_TRIES = 3,
	NOTICE_TRY_MS = 5000,
};

struct notices {
	int fd;			       /* -1: off */
	struct supervisor *supervisor; /* borrowed */
};

/* Start the child.  An empty @url: the host does not want notices; then all of this does nothing. */
int notices_start(struct notices *n, struct supervisor *s, const char *url, struct err *e);

/* Queue a notice, and log it. */
void notices_send(struct notices *n, const char *event, const char *payload);

/* Wait until all is sent, at most @timeout_ms; no notice after this. */
void notices_finish(struct notices *n, unsigned int timeout_ms);

/* The child: read notices from stdin and send them until the other end closes.  Return: exit code. */
int notices_run(void);

/* The JSON of a notice; @payload of @n bytes is cut to whole characters, other bytes are escaped.
 * The caller frees. */
char *notices_body(const char *event, const char *payload, size_t n);
