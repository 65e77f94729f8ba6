/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulls: images that are being fetched from the registry, and how the last ones went
 *
 * Owns     a thread for each fetch and each list, and a record of each fetch.
 * Limits   PULLS_RUNNING fetches and as many lists at a time; PULLS_KEPT records, of which the oldest ended one goes.
 * Thread   the loop's.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "store/image_pull.h"

struct daemon;

enum { PULLS_RUNNING = 2, PULLS_KEPT = 32 };

/* One fetch, of now or before. */
struct pull {
	struct pull *next; /* newest first */
	char tag[REGISTRY_TAG_MAX + 1];
	char image[IMAGE_NAME_MAX + 1];
	bool is_running;
	struct err err; /* how it failed; ERR_NONE: it did not */
	struct image_pull work;
	struct daemon *d;
};

struct pulls {
	struct pull *first;
	size_t n, n_running, n_lists;
	atomic_bool is_ending;
};

/* Begin to fetch @tag.  Return: 0; ERR_MISSING without a registry; ERR_INPUT, ERR_CONFLICT, ERR_LIMIT, -ENOSPC. */
int pulls_begin(struct daemon *d, const char *tag, struct err *e);

/* The record of @tag; NULL if there is none. */
const struct pull *pulls_find(const struct daemon *d, const char *tag);

/* The tags of the registry that become images: NULL and @e on failure; borrowed. */
typedef void (*pulls_list_fn)(void *arg, char *const *tags, size_t n, const struct err *e);

/* Ask the registry; @done runs on the loop, later.  Return: 0; ERR_LIMIT. */
int pulls_list(struct daemon *d, pulls_list_fn done, void *arg, struct err *e);

/* End what runs; daemon_idle() is told. */
void pulls_stop(struct daemon *d);
void pulls_free(struct daemon *d);
