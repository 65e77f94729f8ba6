/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: what a guest reports to its host, kept, shown and acted upon
 *
 * Trusts   nothing: a name or payload is bounded, must be UTF-8, and is escaped where it is logged.
 *	    A guest cannot speak as its host: names that begin with "vmm." are dropped.
 * Limits   NOTICES_LOGGED log lines of each VM in NOTICES_WINDOW_MS; the notices themselves go on.
 * Thread   the loop's; what must reach the disk for sure goes through the thread pool.
 */
#pragma once

#include <stdint.h>

struct vm;

enum { NOTICES_LOGGED = 50, NOTICES_WINDOW_MS = 10 * 1000 };

/*
 * Take a notice of boot @generation.  One that is of an earlier boot, or breaks a rule, is dropped; the
 * latter with a line in the log.
 */
void notice_take(struct vm *vm, uint64_t generation, const char *name, const char *payload);

/* Only what the API shows of it: for events read back from the disk. */
void notice_show(struct vm *vm, const char *name, const char *payload);

/* Write the instance info that a full disk did not take, if there is one. */
void notices_settle(struct vm *vm);
