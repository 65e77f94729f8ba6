/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: the last notices of a VM, in memory and in events.jsonl
 *
 * Owns     the ring, the file's descriptor.  Borrows the folder's descriptor.
 * Trusts   nothing in a name or a body but that it is UTF-8; both are kept as JSON strings.
 * Limits   `max` events are kept; the file is rewritten when it holds twice as many, so it is
 *	    at most 2 x max x (EVENT_NAME_MAX + EVENT_BODY_MAX) x 6 (JSON escapes) bytes.
 * Thread   one.  An append is one write(2) without fsync: a crash of the daemon loses nothing,
 *	    a crash of the host may lose the last lines and leaves at most one torn line, which
 *	    the next load skips.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	EVENT_NAME_MAX = 64,
	EVENT_BODY_MAX = 4096,
	EVENTS_MAX = 10000, /* the most that `max` may be */
	EVENTS_SHARE =
		4, /* a guest's never push out those of the daemon ("vmm.") below 1/4 of max */
};

struct event {
	uint64_t seq;	     /* counts from 1 for the life of the VM */
	uint64_t at_ms;	     /* since 1970 */
	uint64_t generation; /* the boot it belongs to */
	char *name, *body;
};

struct events {
	struct event *ring;
	size_t first, n, max;
	size_t cap;	/* of the ring, up to max */
	size_t n_lines; /* in the file */
	uint64_t last_seq;
	uint64_t behind_since_ms; /* the file lacks some; 0: it has all */
	int dirfd, fd;
};

#define EVENTS_NULL ((struct events){ .dirfd = -1, .fd = -1 })

/* Load what is there and open for appending.  @dirfd is borrowed until events_close(). */
int events_open(struct events *ev, int dirfd, size_t max, struct err *e);
void events_close(struct events *ev);

/*
 * Keep an event.  It is in memory in any case; a negative code says that the file did not take it.
 * A name or body over its limit, or not UTF-8, is ERR_INPUT and not kept.
 */
int events_add(struct events *ev, uint64_t generation, const char *name, const char *body,
	       struct err *e);

/* Write what a full disk kept from the file.  Return: 0, also if there is nothing; or negative. */
int events_settle(struct events *ev, struct err *e);

/* The @i-th of n, oldest first; borrowed until the next events_add(). */
const struct event *events_at(const struct events *ev, size_t i);
