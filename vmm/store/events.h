/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: the last notices of a VM, in memory and in events.jsonl
 *
 * Owns     the ring, the file's descriptor.  Borrows the folder's descriptor.
 * Trusts   nothing in a name or a body but that it is UTF-8; both are kept as JSON strings.
 * Limits   `max` events are kept; the file is to be rewritten when it holds twice as many, and is when it holds
 *	    four times as many, so it is at most 4 x max x (EVENT_NAME_MAX + EVENT_BODY_MAX) x 6 (JSON
 *	    escapes) bytes.
 * Thread   one.  An append is one write(2) without fsync: a crash of the daemon loses nothing that was
 *	    answered, a crash of the host may lose the last lines and leaves at most one torn line,
 *	    which the next load skips.  A rewrite is synced before it takes the place of the file, so
 *	    that no crash of the host loses what was there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

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
	off_t size;	/* of the file, in whole lines */
	uint64_t last_seq;
	uint64_t behind_since_ms; /* the file lacks some; 0: it has all */
	uint64_t n_rewrites;
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

/*
 * A rewrite off the thread, as it waits for the disk: begun and ended on the thread, run() and sync() on any.  Events
 * may be added meanwhile; one rewrite at a time.
 */
struct events_rewrite {
	int dirfd, fd; /* owned */
	struct buf text;
	uint64_t last_seq, n_rewrites;
	size_t n_lines;
	int rc;
};

/* Does the file hold so much more than the ring that it is to be rewritten?  If nobody does, an add will. */
bool events_want_rewrite(const struct events *ev);

/* @r is for events_rewrite_deinit(), whatever is returned. */
int events_rewrite_begin(const struct events *ev, struct events_rewrite *r);
void events_rewrite_run(struct events_rewrite *r);

/* Put what was written in the place of the file, with what came meanwhile.  Return: 0; or negative: it is as it was. */
int events_rewrite_end(struct events_rewrite *r, struct events *ev);
int events_rewrite_sync(const struct events_rewrite *r);
void events_rewrite_deinit(struct events_rewrite *r);

/* The @i-th of n, oldest first; borrowed until the next events_add(). */
const struct event *events_at(const struct events *ev, size_t i);
