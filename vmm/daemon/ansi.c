/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ansi.h"

#include <stdbool.h>

enum { ESC = 0x1b, BEL = 0x07, DEL = 0x7f, C2 = 0xc2 };

static bool is_text(uint8_t b)
{
	return b == '\t' || b == '\n' || b == '\r' || (b >= 0x20 && b != DEL);
}

/* The byte after ESC says what kind of sequence it is. */
static enum ansi_state after_escape(uint8_t b)
{
	switch (b) {
	case '[':
		return ANSI_CSI;
	case ']':
	case 'P':
	case 'X':
	case '^':
	case '_':
		return ANSI_STRING;
	case ESC:
		return ANSI_ESCAPE;
	default:
		return b >= 0x20 && b <= 0x2f ? ANSI_INTERMEDIATE : ANSI_TEXT;
	}
}

/* One byte inside a sequence.  Return: the state after it. */
static enum ansi_state inside(enum ansi_state state, uint8_t b)
{
	switch (state) {
	case ANSI_ESCAPE:
		return after_escape(b);
	case ANSI_INTERMEDIATE:
		return b >= 0x20 && b <= 0x2f ? ANSI_INTERMEDIATE : ANSI_TEXT;
	case ANSI_CSI:
		if (b == ESC)
			return ANSI_ESCAPE;
		return b >= 0x40 && b <= 0x7e ? ANSI_TEXT : ANSI_CSI;
	case ANSI_STRING:
		if (b == ESC)
			return ANSI_STRING_END;
		return b == BEL ? ANSI_TEXT : ANSI_STRING;
	case ANSI_STRING_END:
		return b == '\\' ? ANSI_TEXT : after_escape(b);
	case ANSI_TEXT:
	default:
		return ANSI_TEXT;
	}
}

/* One byte of text, or the first of a sequence. */
static size_t text_byte(struct ansi *a, uint8_t *dst, uint8_t b)
{
	if (b == ESC) {
		a->state = ANSI_ESCAPE;
		a->n = 0;
	} else if (b == C2) {
		a->held_c2 = true;
	} else if (is_text(b)) {
		*dst = b;
		return 1;
	}
	return 0;
}

/* The byte after C2: a C1 character is ESC and the character 0x40 below it; anything else is text. */
static size_t after_c2(struct ansi *a, uint8_t *dst, uint8_t b)
{
	a->held_c2 = false;
	if (b >= 0x80 && b <= 0x9f) {
		a->n = 0;
		a->state = after_escape((uint8_t)(b - 0x40));
		return 0;
	}
	dst[0] = C2;
	return 1 + text_byte(a, dst + 1, b);
}

size_t ansi_strip(struct ansi *a, uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
	size_t i, out = 0;

	for (i = 0; i < n; i++) {
		if (a->held_c2) {
			out += after_c2(a, dst + out, src[i]);
		} else if (a->state == ANSI_TEXT) {
			out += text_byte(a, dst + out, src[i]);
		} else if (src[i] == '\n' || ++a->n > ANSI_SEQUENCE_MAX) {
			/* No sequence spans lines: a torn one must not swallow the rest of the log. */
			a->state = ANSI_TEXT;
			if (is_text(src[i]))
				dst[out++] = src[i];
		} else {
			a->state = inside(a->state, src[i]);
		}
	}
	return out;
}
