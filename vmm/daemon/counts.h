/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts: what the daemon did since it began, for /metrics
 *
 * Limits   a row for each name of ours; names beyond COUNTS_MAX are counted as "other".
 * Thread   the loop's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { COUNTS_MAX = 64, COUNTS_STATUSES = 6 };

extern const int counts_statuses[COUNTS_STATUSES]; /* 0: any other */

struct count_call {
	const char *method; /* borrowed, static */
	uint64_t by_status[COUNTS_STATUSES];
	uint64_t us;
};

struct count_op {
	const char *name; /* borrowed, static */
	uint64_t n, n_failed, ms, longest_ms;
};

struct count_event {
	char name[48];
	uint64_t n;
};

struct counts {
	struct count_call calls[COUNTS_MAX];
	struct count_op ops[COUNTS_MAX];
	struct count_event events[COUNTS_MAX]; /* ours, "vmm.*" */
	size_t n_calls, n_ops, n_events;
	uint64_t n_notices; /* of guests */
};

void counts_call(struct counts *c, const char *method, int status, uint64_t us);
void counts_op(struct counts *c, const char *name, int rc, uint64_t ms);
/* @c may be NULL: nobody counts. */
void counts_event(struct counts *c, const char *name);
