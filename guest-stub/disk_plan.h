/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_plan: what to do with a data disk, of what is on it and of what is wanted; a pure function
 *
 * The one place that decides whether a disk is formatted.
 */
#pragma once

#include <stdbool.h>

struct disk_state;
struct err;

enum disk_plan {
	DISK_OPEN_LUKS,	    /* with the key; then a file system must be in it */
	DISK_OPEN_PLAIN,    /* a file system that is not encrypted */
	DISK_MAKE_LUKS,	    /* format */
	DISK_MAKE_PLAIN,    /* likewise, without encryption */
	DISK_MAKE_FLEETING, /* likewise, with a random key that is kept nowhere */
	DISK_PLAN_COUNT,
};

struct disk_wish {
	bool is_encrypted;
	bool is_key_kept;
};

/* Return: 0; ERR_PROTO with what the disk holds and why it is left alone. */
int disk_plan_make(const struct disk_state *s, const struct disk_wish *w, enum disk_plan *ret,
		   struct err *e);
