/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_pull: an image out of a registry into the store, whole or not at all
 *
 * skopeo fetches into a stage beside the images, its layers' digests are checked, their plain files unpacked, the
 * image's own sums checked, and only then is it renamed in.
 *
 * Limits   of bytes, twice: what skopeo writes, and what is unpacked; of time; of the room that stays on the disk.
 * Thread   any; it blocks for as long as a download takes.  `bytes` and `is_cancelled` may be used by others meanwhile.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/registry.h"

struct err;

/* What to fetch, and with what patience.  Borrowed. */
struct image_pull {
	const char *store, *repo;
	const char *auth_file; /* NULL: none; else nobody but its owner may read it */
	bool is_insecure;
	const char *tag; /* valid */
	uint64_t max_size;
	unsigned int timeout_ms;
	int (*check_room)(const void *arg, uint64_t bytes,
			  struct err *e); /* on the disk; may be NULL */
	const void *arg;
	const atomic_bool *is_ending; /* set when the program ends; may be NULL */
	/* state */
	atomic_ullong bytes; /* fetched or unpacked so far */
	uint64_t since_check;
};

/* Fetch it.  Return: 0; else nothing of it is left, or what is left is swept by the next start. */
int image_pull(struct image_pull *p, struct err *e);

/* The tags of the repository, for registry_tags_free(); of @p only what names the registry is used. */
int image_pull_tags(struct image_pull *p, char ***ret, size_t *ret_n, struct err *e);
