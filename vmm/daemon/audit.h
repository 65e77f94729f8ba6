/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: who changed what, one line of JSON for each call, in <state>/audit.jsonl
 *
 * Wire     {"at":"2026-11-21T14:00:00Z","who":"token alice","method":"StopVm","about":"<id>","status":200}, and
 *	    "error" with the reason where it failed; every word of a caller's is escaped and cut.
 * Owns     the file, of mode 0600.  Append only; a line is one write(2), not fsynced.
 * Limits   AUDIT_MAX bytes, then it becomes audit.jsonl.1 and replaces the one before.  Of calls that were refused
 *	    by role or method, which anybody may make without end, AUDIT_REFUSALS an hour: they push out nothing.
 * Thread   the loop's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/line_file.h"

struct err;
struct rpc_outcome;

enum { AUDIT_MAX = 8 * 1024 * 1024, AUDIT_REFUSALS = 200 };

struct audit {
	struct line_file file;
	uint64_t n_lost;  /* lines that could not be written */
	uint64_t hour_ms; /* when the hour began whose refusals are counted; 0: none was */
	unsigned int n_refusals;
};

#define AUDIT_NULL ((struct audit){ .file = LINE_FILE_NULL })

/* @folder: the state folder.  Return: 0 or a negative errno. */
int audit_open(struct audit *a, const char *folder, struct err *e);
void audit_close(struct audit *a);

void audit_add(struct audit *a, const struct rpc_outcome *o);
