/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sums: the lines of a sha256sum.txt
 *
 * Pure.  Strict: 64 hex digits, a space, a space or '*', a plain file name, a newline; nothing else.
 */
#pragma once

#include "base/rd.h"
#include "crypto/digest.h"

struct err;

enum { SUMS_NAME_MAX = 255, SUMS_LINES_MAX = 128 };

struct sum {
	struct digest256 digest;
	char name[SUMS_NAME_MAX + 1]; /* no '/', not "." or ".." */
};

/* Return: 1 and a line, 0 at the end, ERR_CORRUPT. */
int sums_next(struct rd *r, struct sum *ret, struct err *e);

/* Find the line of @name in all of the @n bytes at @p, which must all be right and name nothing twice.
 * Return: 1, 0 if it is not listed, ERR_CORRUPT. */
int sums_find(const void *p, size_t n, const char *name, struct sum *ret, struct err *e);
