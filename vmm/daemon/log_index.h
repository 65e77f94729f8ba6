/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_index: which bytes of a log are in which of its files
 *
 * A log is one stream of bytes for the life of its VM, over all boots; a byte's position in it never
 * changes.  The live file <name> holds the last part, <name>.1, .2 ... the parts before it.
 *
 * Wire     <name>.index: two slots of LOG_INDEX_SLOT bytes, written in turn and in place (which needs no
 *	    room on a full disk), each one line of text with a sum; the valid one of the higher seq counts.
 * Invariant kept[] are the newest first and join without a gap up to `cut`.
 * Thread   any.  Writers hold the lock; readers need none, but what they read is sure only if seq
 *	    is the same before and after.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	LOG_INDEX_SLOT = 512,
	LOG_KEPT_MAX = 3, /* as dstack: <name>.1 to .3 */
	LOG_NAME_MAX = 128,
};

/* One of the older files: the bytes @from to before @to.  Known by its inode, as names move. */
struct log_part {
	uint64_t inode, from, to;
};

struct log_index {
	uint64_t seq;  /* 0: there is no index yet; made up from the files */
	uint64_t base; /* position of the live file's first byte */
	uint64_t cut;  /* >= base: what is before is no more in the live file */
	uint64_t boot; /* where the present boot began */
	size_t n;
	struct log_part kept[LOG_KEPT_MAX];
};

/* Pure.  @ret is one slot, filled up with spaces and ended by a newline. */
void log_index_format(const struct log_index *x, char ret[static LOG_INDEX_SLOT]);

/* Pure.  Return: 0, or ERR_CORRUPT. */
int log_index_parse(const void *p, size_t n, struct log_index *ret);

/* "<name><suffix>", cut never: names are at most LOG_NAME_MAX. */
void log_index_name(char ret[static LOG_NAME_MAX + 16], const char *name, const char *suffix);

/* "<name>.<i+1>" */
void log_index_part_name(char ret[static LOG_NAME_MAX + 16], const char *name, size_t i);

/* Open it to be read.  Return: a descriptor, or -1: there is none. */
int log_index_open(int dirfd, const char *name);

/* Open or make it, and take the lock, for as long as the descriptor lives.  Return: it, or negative. */
int log_index_lock(int dirfd, const char *name, struct err *e);

/* What @fd holds; if that is nothing (or @fd is -1), what the files of @name in @dirfd suggest. */
void log_index_load(int fd, int dirfd, const char *name, struct log_index *ret);

/* Write the next state: seq is counted up. */
int log_index_save(int fd, struct log_index *x, struct err *e);

/* Where the oldest byte is. */
uint64_t log_index_oldest(const struct log_index *x);
