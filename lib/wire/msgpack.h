/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msgpack: MessagePack one token at a time, without a tree
 *
 * libmsgpack builds a tree of what it reads: an object of 24 bytes for each byte of a quote that came as an
 * array of numbers, and as many as a length of five bytes says before it has seen one of them.
 *
 * Wire     https://github.com/msgpack/msgpack/blob/master/spec.md: nil, bool, whole numbers from 0, str,
 *	    bin, array, map.  Everything else is refused.  Longer forms than needed are read, never written.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct rd;

enum msgpack_type {
	MSGPACK_BROKEN, /* truncated, or a type that is not known here */
	MSGPACK_NIL,
	MSGPACK_BOOL,  /* n: 0 or 1 */
	MSGPACK_UINT,  /* n */
	MSGPACK_STR,   /* n bytes at p */
	MSGPACK_BIN,   /* n bytes at p */
	MSGPACK_ARRAY, /* n tokens, or groups of them, follow */
	MSGPACK_MAP,   /* n pairs follow */
};

struct msgpack {
	enum msgpack_type type;
	uint64_t n;
	const uint8_t *p; /* borrowed */
};

/* The next token.  A broken one fails the cursor. */
struct msgpack msgpack_next(struct rd *r);

/* Each in its shortest form.  Return: as buf_add(). */
int msgpack_add_nil(struct buf *b);
int msgpack_add_uint(struct buf *b, uint64_t v);
int msgpack_add_str(struct buf *b, const void *p, size_t n);
int msgpack_add_bin(struct buf *b, const void *p, size_t n);
int msgpack_add_array(struct buf *b, size_t n);
int msgpack_add_map(struct buf *b, size_t n);
int msgpack_add_text(struct buf *b, const char *s);
