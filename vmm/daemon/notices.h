/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: what a guest reports to its host, kept, shown and acted upon
 *
 * Trusts   nothing: a name or payload is bounded, must be UTF-8, and is escaped where it is logged.
 *	    A guest cannot speak as its host: names that begin with "vmm." are refused.
 * Thread   the loop's; what must reach the disk for sure goes through the thread pool.
 */
#pragma once

#include <stdint.h>

struct err;
struct vm;

/*
 * Take a notice of boot @generation.  One of an earlier boot is dropped.
 * Return: 0; ERR_INPUT if it is refused.
 */
int notice_take(struct vm *vm, uint64_t generation, const char *name, const char *payload,
		struct err *e);

/* Only what the API shows of it: for events read back from the disk. */
void notice_show(struct vm *vm, const char *name, const char *payload);
