/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_reader: the bytes of a log from any position on, while it grows and moves on beneath
 *
 * Positions are log_index's: a reader that is told where the last one stopped goes on without a gap or a
 * repeat, over rotations, boots and restarts of the daemon.  What is no longer kept is stepped over, and the
 * caller sees it from the position that is returned.
 *
 * Owns     two descriptors.  Borrows the folder's and the name.
 * Thread   one; whoever moves the log on may be another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/log_index.h"

enum {
	LOG_SEARCH_MAX = 8 * 1024 * 1024
}; /* how far back lines are counted: some milliseconds of the loop's time */

struct log_reader {
	int dirfd;		/* borrowed */
	const char *name;	/* borrowed */
	uint64_t at;		/* position of the next byte */
	int index, fd;		/* -1: not open */
	uint64_t inode;		/* of fd */
	struct log_index known; /* as it was looked at last */
	bool is_gone;		/* all of it was taken away: only what is open can be read */
};

/* Begin at the end of what there is. */
void log_reader_open(struct log_reader *r, int dirfd, const char *name);
void log_reader_close(struct log_reader *r);

/*
 * Go to where the last @lines lines begin, but not before the present boot, and not further back than LOG_SEARCH_MAX;
 * more lines than there are bytes are all of the present boot, which needs no search.
 */
void log_reader_seek_lines(struct log_reader *r, uint64_t lines);

/* Go to the oldest byte that is kept. */
void log_reader_seek_oldest(struct log_reader *r);

/*
 * The next bytes; the first is the one at *@ret_from, which is more than `at` was if bytes are gone, less
 * if the log was cut by someone else.
 *
 * Return: how many; 0 for none now; a negative errno.
 */
ssize_t log_reader_read(struct log_reader *r, void *p, size_t n, uint64_t *ret_from);
