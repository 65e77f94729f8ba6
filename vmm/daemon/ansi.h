/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ansi: terminal escapes taken out of a stream of text
 *
 * Pure.  The state carries over from chunk to chunk, so a sequence that is cut in two is still
 * one sequence.  What is taken out: CSI (ESC [ ... final), OSC, DCS, SOS, PM and APC strings (up to
 * BEL or ST), two- and three-byte escapes, the control characters but tab, CR and LF, and the same as C1
 * characters of UTF-8 (U+0080 to U+009F, such as U+009B for ESC [).  Other bytes stay, text or not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ansi_state {
	ANSI_TEXT,
	ANSI_ESCAPE,
	ANSI_INTERMEDIATE,
	ANSI_CSI,
	ANSI_STRING,
	ANSI_STRING_END
};

struct ansi {
	enum ansi_state state;
	size_t n;     /* bytes in the sequence: one that does not end is given up */
	bool held_c2; /* a C1 character may have begun */
};

enum { ANSI_SEQUENCE_MAX = 4096 };

/* Write what remains of @n bytes at @src to @dst, which has room for @n + 1 and is not @src.  Return: how many. */
size_t ansi_strip(struct ansi *a, uint8_t *restrict dst, const uint8_t *restrict src, size_t n);
