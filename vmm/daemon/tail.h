/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail: the last lines of a growing file, then what is added to it
 *
 * Follows a file by its name: when it is cut, from its new start; when it is replaced, the rest of the old
 * one first, then the new one.
 *
 * Owns     a descriptor.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TAIL_SEARCH_MAX = 64 * 1024 * 1024 }; /* how far back lines are counted */

struct tail {
	int dirfd;	  /* borrowed */
	const char *name; /* borrowed */
	int fd;		  /* -1: the file is not there yet */
	off_t at;
};

/* Begin @lines before the end of @name.  A file that is not there is empty.  Return: 0 or a negative errno. */
int tail_open(struct tail *t, int dirfd, const char *name, uint64_t lines);
void tail_close(struct tail *t);

/* The next bytes.  Return: how many; 0 for none now; a negative errno. */
ssize_t tail_read(struct tail *t, void *p, size_t n);
