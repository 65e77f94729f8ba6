/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64: RFC 4648 section 4, with padding
 *
 * Reading is strict: no white space, no missing padding, no bits that would be
 * thrown away, so each value has one text.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;

/* Append the text of @n bytes.  Return: as buf_add(). */
int base64_encode(struct buf *ret, const void *p, size_t n);

/* How many bytes @n characters can hold at most. */
static inline size_t base64_room(size_t n)
{
	return n / 4 * 3;
}

/* @dst has base64_room(n) bytes.  Return: how many were written, or -EINVAL. */
ssize_t base64_decode(uint8_t *dst, const char *s, size_t n);
