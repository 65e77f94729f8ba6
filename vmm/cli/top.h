/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top: what the VMs use, out of two looks at GET /stats
 *
 * Pure: no clock, no terminal.
 * Trusts   nothing of a look's shape: what is missing reads as "" or 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

enum top_key {
	TOP_CPU,
	TOP_MEMORY,
	TOP_DISK,
	TOP_NAME,
	TOP_UPTIME,
	TOP_RESTARTS,
	TOP_KEY_COUNT,
};

struct top_row {
	const json_t *vm;			       /* of the later look: borrowed */
	int64_t cpu_permille;			       /* of one CPU; -1: not known yet */
	uint64_t memory, memory_size, disk, disk_size; /* bytes */
	uint64_t uptime_s, restarts;
	bool is_up; /* it has a process */
};

struct top {
	struct top_row *rows;
	size_t n, n_up;
	uint64_t memory;      /* of all, bytes */
	int64_t cpu_permille; /* of all that are known */
};

#define TOP_NULL ((struct top){ .rows = NULL })

void top_deinit(struct top *t);
#define auto_top __attribute__((cleanup(top_deinit)))

/* @before: an earlier look, NULL: none.  Return: 0; ERR_PROTO. */
int top_make(const json_t *before, const json_t *now, struct top *ret, struct err *e);

/* What uses most comes first, names in order of the alphabet; the other way round with @is_reversed. */
void top_sort(struct top *t, enum top_key key, bool is_reversed);

/* The key of a letter typed ('c', 'm', ...) or of its name ("cpu"); TOP_KEY_COUNT: none. */
enum top_key top_key_of_letter(char letter);
enum top_key top_key_of_name(const char *name);
const char *top_key_name(enum top_key key);

/* As an object for programs. */
json_t *top_json(const struct top_row *r);

/* "512M", "1.5G": at most five characters up to a petabyte.  Return: @dst. */
const char *top_size(char dst[static 16], uint64_t bytes);
