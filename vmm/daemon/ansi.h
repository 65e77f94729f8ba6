/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ansi: terminal escapes taken out of a stream of text
 *
 * Pure.  The state carries over from chunk to chunk, so a sequence that is cut in two is still
 * one sequence.  What is taken out: CSI (ESC [ ... final), OSC, DCS, SOS, PM and APC strings (up to
 * BEL or ST), two- and three-byte escapes, and the control characters but tab, CR and LF.
 */
#pragma once

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
	size_t n; /* bytes in the sequence: one that does not end is given up */
};

enum { ANSI_SEQUENCE_MAX = 4096 };

/* Write what remains of @n bytes at @src to @dst (which has room for @n; may be @src).  Return: how many. */
size_t ansi_strip(struct ansi *a, uint8_t *dst, const uint8_t *src, size_t n);
