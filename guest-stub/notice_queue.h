/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice_queue: notices that wait for a host that does not answer
 *
 * Owns     copies of them.  NOTICE_QUEUE_NULL is empty.
 * Invariant they come out in the order in which they went in.  When there is no room, the oldest that tells no
 *	    state goes first, then the oldest whose state a later one replaces.  So the last boot.progress,
 *	    boot.error, shutdown.progress and instance.info are never dropped.
 * Limits   NOTICE_QUEUE_MAX notices, at most some 260 KiB.
 */
#pragma once

#include <stddef.h>

enum { NOTICE_QUEUE_MAX = 64 };

struct notice_queue {
	size_t n, n_dropped;
	struct notice_queue_item {
		char *packet; /* "event\0payload" */
		size_t n;
	} items[NOTICE_QUEUE_MAX]; /* the oldest first */
};

#define NOTICE_QUEUE_NULL ((struct notice_queue){ .n = 0 })

/* Append a copy of @packet, which holds a 0 among its @n bytes.  Drops another one if there is no room. */
void notice_queue_add(struct notice_queue *q, const char *packet, size_t n);

/* Drop the oldest: it is delivered. */
void notice_queue_pop(struct notice_queue *q);

void notice_queue_deinit(struct notice_queue *q);
