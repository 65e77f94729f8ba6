/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/clean.h"

#include "base/buf.h"
#include "base/str.h"

enum { ESC = 0x1b, BEL = 0x07, DEL = 0x7f };

/* How long the UTF-8 character is that begins with @b; 0: none does. */
static unsigned int utf8_length(uint8_t b)
{
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef)
		return 3;
	if (b >= 0xf0 && b <= 0xf4)
		return 4;
	return 0;
}

/* U+0080 to U+009F are control characters too (C2 80 to C2 9F): terminals obey them. */
static int put_character(struct clean *c, struct buf *ret)
{
	unsigned int n = c->n_held;

	c->n_held = 0;
	if (!str_is_utf8(c->held, n) || (c->held[0] == 0xc2 && c->held[1] < 0xa0))
		return buf_add(ret, "?", 1);
	return buf_add(ret, c->held, n);
}

static void begin(struct clean *c, enum clean_state state)
{
	c->state = state;
	c->n_skipped = 0;
}

static int put_text(struct clean *c, uint8_t b, struct buf *ret)
{
	c->state = CLEAN_TEXT;
	if (b == '\n' || b == '\t' || (b >= 0x20 && b < DEL))
		return buf_add(ret, &b, 1);
	if (b == '\r') {
		c->state = CLEAN_CR;
		return 0;
	}
	if (b == ESC) {
		begin(c, CLEAN_ESC);
		return 0;
	}
	c->n_want = utf8_length(b);
	if (c->n_want) {
		c->held[0] = b;
		c->n_held = 1;
		return 0;
	}
	return b < 0x20 || b == DEL ? 0 : buf_add(ret, "?", 1);
}

/* A byte of an escape sequence: never shown. */
static void skip(struct clean *c, uint8_t b)
{
	switch (c->state) {
	case CLEAN_ESC:
		if (b == '[')
			begin(c, CLEAN_CSI);
		else if (b == ']' || b == 'P' || b == 'X' || b == '^' || b == '_')
			begin(c, CLEAN_STRING);
		else if (b < 0x20 ||
			 b > 0x2f) /* 0x20 to 0x2f are intermediates: one more follows */
			c->state = CLEAN_TEXT;
		break;
	case CLEAN_CSI:
		if (b >= 0x40 && b <= 0x7e)
			c->state = CLEAN_TEXT;
		break;
	case CLEAN_STRING:
		if (b == BEL)
			c->state = CLEAN_TEXT;
		else if (b == ESC)
			c->state = CLEAN_STRING_ESC;
		break;
	case CLEAN_STRING_ESC:
		c->state = b == '\\' ? CLEAN_TEXT : CLEAN_STRING;
		break;
	case CLEAN_TEXT:
	case CLEAN_CR:
		break;
	}
	if (++c->n_skipped > CLEAN_SEQUENCE_MAX)
		c->state = CLEAN_TEXT;
}

static int add_byte(struct clean *c, uint8_t b, struct buf *ret)
{
	int rc = 0;

	if (c->n_held) {
		if (b >= 0x80 && b <= 0xbf) {
			c->held[c->n_held++] = b;
			return c->n_held == c->n_want ? put_character(c, ret) : 0;
		}
		c->n_held = 0; /* cut short: what follows is looked at afresh */
		rc = buf_add(ret, "?", 1);
	}
	if (rc < 0)
		return rc;
	if (c->state == CLEAN_CR) {
		c->state = CLEAN_TEXT;
		/* "\r\r\n" is one line's end: consoles make it of "\r\n" */
		if (b != '\n' && b != '\r')
			rc = buf_add(ret, "\n", 1);
		if (rc < 0)
			return rc;
	}
	if (c->state != CLEAN_TEXT) {
		/* a newline ends a sequence that lost its end: the rest of the log stays readable */
		if (b != '\n') {
			skip(c, b);
			return 0;
		}
	}
	return put_text(c, b, ret);
}

int clean_add(struct clean *c, const void *p, size_t n, struct buf *ret)
{
	const uint8_t *b = p;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = add_byte(c, b[i], ret);
	return rc;
}
