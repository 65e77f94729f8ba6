/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_frames: what baileyd sends with frames=true, taken apart
 *
 * Owns     the state between chunks, no memory.  LOG_FRAMES_NULL is the beginning.
 * Wire     "@FROM TO N\n" and N bytes, again and again: the bytes [FROM, TO) of the log, with their escapes
 *	    (ansi=true), so N is TO - FROM.
 * Trusts   nothing: a header is at most LOG_FRAMES_HEAD_MAX bytes, and N is counted down, not allocated.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LOG_FRAMES_HEAD_MAX = 80 };

struct log_frames {
	char head[LOG_FRAMES_HEAD_MAX];
	size_t n_head;
	uint64_t from, to, left; /* of the frame at hand; left: bytes still to come */
	uint64_t next;		 /* where the one after it should begin; UINT64_MAX: not known */
	uint64_t at;		 /* up to where all has been given out: what to ask for next */
};

#define LOG_FRAMES_NULL ((struct log_frames){ .next = UINT64_MAX })

/* What a call of log_frames_next() found. */
struct log_piece {
	const char *p;
	size_t n;
	uint64_t gone; /* bytes that were let go before this piece */
};

/*
 * Take the next piece from the *@n bytes at *@p, which are moved on.
 * Return: 1 and a piece (maybe only of what is gone); 0: more bytes are needed; ERR_PROTO.
 */
int log_frames_next(struct log_frames *f, const char **p, size_t *n, struct log_piece *ret);
