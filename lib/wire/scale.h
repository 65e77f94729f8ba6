/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scale: the few forms of SCALE (Polkadot's codec) that dstack uses: lengths, byte strings, numbers, flags
 *
 * Wire     compact numbers: the two low bits say 1, 2, 4 or more bytes, little-endian; only the shortest
 *	    form is accepted.  Lengths here fit 30 bits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct rd;

enum { SCALE_COMPACT_MAX = (1 << 30) - 1 };

/* A compact number of at most SCALE_COMPACT_MAX; else the cursor fails. */
uint32_t scale_compact(struct rd *r);

/* A byte string, borrowed; its length in *@ret_n.  NULL and a failed cursor if it is not there. */
const uint8_t *scale_bytes(struct rd *r, size_t *ret_n);

/* 00 or 01: false or true, none or some (what some is follows); else the cursor fails. */
bool scale_bool(struct rd *r);

/* Return: as buf_add(). */
int scale_add_compact(struct buf *b, size_t v);
int scale_add_bytes(struct buf *b, const void *p, size_t n);
int scale_add_le32(struct buf *b, uint32_t v);
int scale_add_le64(struct buf *b, uint64_t v);
int scale_add_bool(struct buf *b, bool v);
