/* SPDX-License-Identifier: Apache-2.0 */
/* lines: the lines of a file of secrets that say something */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct line_reader {
	const char *at, *end;
	unsigned int number; /* of the line that was given last, from 1 */
};

/*
 * The next line that is neither empty nor begins with #, without its end (also CRLF), borrowed from the text.
 * Return: false at the end.
 */
bool line_next(struct line_reader *r, const char **ret, size_t *ret_n);

/* Only printable ASCII, no space: a word of such a file. */
bool line_is_word(const char *s, size_t n);
