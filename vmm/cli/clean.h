/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clean: a guest's console made fit for a terminal
 *
 * Owns     the state between chunks, no memory.  CLEAN_NULL is the beginning.
 * Trusts   nothing: what comes out is printable ASCII, tab, newline and valid UTF-8 above U+009F,
 *          whatever came in and however it was cut.  Escape sequences (CSI, OSC and their like)
 *          vanish with their arguments; a carriage return before a newline vanishes, alone it becomes a newline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;

enum clean_state {
	CLEAN_TEXT,
	CLEAN_CR,     /* after a carriage return */
	CLEAN_ESC,    /* after ESC */
	CLEAN_CSI,    /* in ESC [ ... */
	CLEAN_STRING, /* in ESC ] P X ^ _ ... up to BEL or ESC \ */
	CLEAN_STRING_ESC,
};

struct clean {
	enum clean_state state;
	uint8_t held[4]; /* the begun part of a UTF-8 character */
	unsigned int n_held, n_want;
	unsigned int n_skipped; /* of an escape sequence: a runaway one ends */
};

#define CLEAN_NULL ((struct clean){ .state = CLEAN_TEXT })

enum { CLEAN_SEQUENCE_MAX = 256 };

/* Append what may be shown of @n bytes.  Return: 0, -EMSGSIZE, -ENOMEM (of @ret). */
int clean_add(struct clean *c, const void *p, size_t n, struct buf *ret);
