/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow up to a limit
 *
 * Owns     one heap block.  BUF_NULL with a max is ready to use; buf_deinit()
 *          is idempotent.
 * Limits   max, given by who makes the buffer: an append beyond it fails with
 *          -EMSGSIZE and changes nothing.
 * Invariant after each append, p[n] is 0 (not counted), so text can be read as a C string.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *p;
	size_t n, cap, max;
};

#define BUF_MAX(limit) ((struct buf){ .max = (limit) })

void buf_deinit(struct buf *b);
#define auto_buf __attribute__((cleanup(buf_deinit)))

/* Return: 0, -EMSGSIZE beyond max, -ENOMEM. */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_add_str(struct buf *b, const char *s);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Make room for @n more bytes at p + n, without counting them.  Return: as buf_add(). */
int buf_reserve(struct buf *b, size_t n);

/* Drop the first @n bytes. */
void buf_drop(struct buf *b, size_t n);

/* Take the bytes as a C string; the caller frees.  The buffer is empty after.  Never NULL. */
char *buf_take_str(struct buf *b);
