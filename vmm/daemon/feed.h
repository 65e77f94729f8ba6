/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: the last events of all VMs, in the order in which they came, for who follows the whole fleet
 *
 * Owns     copies of the events, as lines of JSON.
 * Limits   FEED_LINES of them, FEED_BYTES together; the oldest go first.
 * Invariant A cursor names a place in this life of the daemon: "<16 hex of the life>-<count>".  One of
 *	    another life, or of a place that is forgotten, is told from one that can be gone on from.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct vm;
struct watcher;

enum { FEED_LINES = 1024, FEED_BYTES = 2 * 1024 * 1024, FEED_CURSOR_MAX = 16 + 1 + 20 };

struct feed {
	uint64_t life; /* random; 0: not begun */
	uint64_t last; /* count of the newest */
	size_t first, n, bytes;
	struct watcher *watchers; /* api_events.c */
	char **lines;		  /* NULL before the first */
};

void feed_add(struct feed *f, const struct vm *vm, const struct event *ev);

/* The VM is gone, and its own events with it. */
void feed_add_removed(struct feed *f, const struct vm *vm);
void feed_deinit(struct feed *f);

/* The line after the one that @seen counts; borrowed until the next feed_add().  NULL: none yet. */
const char *feed_next(const struct feed *f, uint64_t *seen);

/* The count before the oldest line that is kept. */
uint64_t feed_oldest(const struct feed *f);

/* @ret has room for FEED_CURSOR_MAX + 1. */
void feed_cursor(struct feed *f, uint64_t seen, char *ret);

/* Return: is it a cursor of this life, whose next line is kept or still to come? */
bool feed_find(const struct feed *f, const char *cursor, uint64_t *ret_seen);
