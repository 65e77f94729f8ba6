/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_frame: what the host says to the key provider, and what that answers; both ends of it
 *
 * Wire     both ways: u32 big-endian length, then that many bytes of JSON.
 *	    {"quote":[1,2,255]}  ->  {"encrypted_key":[..],"provider_quote":[..]}
 *	    Bytes are arrays of decimal integers.
 * Trusts   nothing: pure functions.  Read straight into bytes: as JSON values an answer of the largest size
 *	    would be four million objects.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	KEY_FRAME_QUOTE_MAX = 1024 * 1024,
	KEY_FRAME_MAX = 8 * 1024 * 1024,
	KEY_FRAME_HEAD = 4,
	KEY_FRAME_KEY_MAX = 64 * 1024,
};

/*
 * The bytes of {"quote":"<hex>"}: what a guest sends, in dstack's JSON.  For quotes so large that a general
 * JSON reader would keep the loop for a tenth of a second.  Unknown members are skipped, no quote is an
 * empty one, hex may have 0x in front.  ERR_INPUT if it is not that, ERR_LIMIT "Quote is too long".
 */
int key_frame_quote(const void *json, size_t n, struct buf *ret, struct err *e);

/* The whole frame that asks for a key.  ERR_LIMIT "Quote is too long". */
int key_frame_request(struct buf *ret, const void *quote, size_t n, struct err *e);

/* The length in a frame's head.  ERR_LIMIT if it is 0 or over KEY_FRAME_MAX. */
int key_frame_length(const uint8_t head[static KEY_FRAME_HEAD], size_t *ret, struct err *e);

struct key_frame_answer {
	struct buf encrypted_key, provider_quote;
};

/* The JSON of an answer.  Unknown members are skipped; a missing or second one of ours is ERR_PROTO. */
int key_frame_answer(const void *p, size_t n, struct key_frame_answer *ret, struct err *e);
void key_frame_answer_deinit(struct key_frame_answer *a);

/*
 * The provider's end.  The JSON of a request: ERR_PROTO for what is none, or has a quote over the limit.  The
 * quote is the caller's.  And the whole frame that answers one.
 */
int key_frame_asked(const void *p, size_t n, struct buf *ret, struct err *e);
int key_frame_respond(struct buf *ret, const struct key_frame_answer *a, struct err *e);
