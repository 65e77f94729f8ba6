/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input: the bytes of a file that an operator names, "-" being stdin
 *
 * Limits   given with each call; a file of more is refused, not cut.
 */
#pragma once

#include <stddef.h>

struct buf;
struct err;

/* All of @path: a file, a pipe or, as "-", stdin.  Return: 0; ERR_INPUT, ERR_LIMIT with the name. */
int input_read(const char *path, size_t max, struct buf *ret, struct err *e);

/*
 * If @b is text of hex digits, in pairs, with white space anywhere and perhaps a "0x" before them: the
 * bytes that they stand for instead.  Anything else stays as it is.
 */
void input_unhex(struct buf *b);
