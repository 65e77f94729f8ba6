/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: what the guest tells its host, in order, without waiting for it
 *
 * PID 1 hands each notice to a child, `bailey-guest notifier`, over a socket of datagrams; the child
 * calls Notify on the host's API.  So a deaf host delays nothing but the end, and that by a bound.  A host that
 * is away (its daemon is upgraded, or has died) is tried again for as long as the guest lives, with pauses from
 * NOTICE_PAUSE_MS up to NOTICE_PAUSE_MAX_MS; what waits meanwhile is notice_queue's.  A notice whose answer
 * was lost is sent twice.
 *
 * Wire     datagrams: first the URL, then "event\0payload" each.
 * Limits   a payload is cut at NOTICE_PAYLOAD_MAX (hosts drop more than 4096 bytes); which are
 *	    dropped when too many wait, notice_queue says.
 */
#pragma once

#include <stddef.h>

struct err;
struct supervisor;

enum {
	NOTICE_PAYLOAD_MAX = 4000,
	NOTICE_EVENT_MAX = 64,
	NOTICE_TRY_MS = 5000,
	NOTICE_PAUSE_MS = 100,
	NOTICE_PAUSE_MAX_MS = 2000,
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

/* Deliver one notice.  Return: 0: it is done with; negative: nobody answers, try again. */
typedef int (*notice_try_fn)(void *arg, const char *packet, size_t n);

/* Read notices from @fd and hand them to @try, in order, until the other end closes and all are delivered. */
void notices_pump(int fd, notice_try_fn try, void *arg);

/* The child: read notices from stdin and send them until the other end closes.  Return: exit code. */
int notices_run(void);

/* The JSON of a notice; @payload of @n bytes is cut to whole characters, other bytes are escaped.
 * The caller frees. */
char *notices_body(const char *event, const char *payload, size_t n);
