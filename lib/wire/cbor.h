/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cbor: the few kinds of CBOR that an image's measurement document is made of
 *
 * A cursor: the caller knows what comes next and asks for it.  Maps and byte strings of definite length, unsigned
 * numbers, text keys; each length in its shortest form, so that one document has one text.  libcbor would build a
 * tree of whatever a peer sends; here nothing is kept and nothing nests deeper than the caller's own calls.
 *
 * Borrows  the bytes, for as long as the cursor's answers are used.
 * Trusts   nothing.
 * Wire     RFC 8949, sections 3 and 4.2.1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rd.h"

struct buf;

struct cbor_bytes {
	const uint8_t *p;
	size_t n;
};

/* Each: false, and @r has failed, if something else comes next. */
bool cbor_map(struct rd *r, uint64_t *ret_pairs);
bool cbor_uint(struct rd *r, uint64_t *ret);
bool cbor_bytes(struct rd *r, struct cbor_bytes *ret);
bool cbor_text(struct rd *r, struct cbor_bytes *ret); /* not looked into: may be no UTF-8 */

/* Append; return as buf_add(). */
int cbor_put_map(struct buf *to, uint64_t pairs);
int cbor_put_uint(struct buf *to, uint64_t v);
int cbor_put_bytes(struct buf *to, const void *p, size_t n);
int cbor_put_text(struct buf *to, const char *s);
