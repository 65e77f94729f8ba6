/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: who was given which key, one line of JSON each, in <state>/audit.jsonl, and what was refused
 *
 * Wire     {"at":"2026-11-21T14:00:00Z","from":"127.0.0.1:50000","result":"key","status":"UpToDate","mrtd":"<hex>",
 *	    "rtmr0":..,"rtmr3":..,"mrconfigid":..,"recipient":"<hex>"}, with "simulated":true where it is;
 *	    {"at":..,"from":..,"result":"refused","error":".."} with every word of a peer's escaped.  No secret.
 * Owns     the file, of mode 0600, see line_file.h.
 * Limits   JOURNAL_MAX bytes, twice.  Of refusals, which anybody may cause without end, JOURNAL_REFUSALS an hour.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/line_file.h"

struct err;
struct judged;

enum { JOURNAL_MAX = 8 * 1024 * 1024, JOURNAL_REFUSALS = 200 };

struct journal {
	struct line_file file;
	bool is_simulated;
	uint64_t hour_ms; /* when the hour began whose refusals are counted; 0: none was */
	unsigned int n_refusals;
};

#define JOURNAL_NULL ((struct journal){ .file = LINE_FILE_NULL })

int journal_open(struct journal *j, const char *folder, bool is_simulated, struct err *e);
void journal_close(struct journal *j);

/* Before the key leaves.  Return: 0; negative: it could not be written, and the key must not leave. */
int journal_key(struct journal *j, const char *from, const struct judged *what, struct err *e);

void journal_refusal(struct journal *j, const char *from, const struct err *why);
