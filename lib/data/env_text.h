/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_text: a .env file, taken apart where it lies
 *
 * NAME=value, a line each, "export " before it or not; empty lines, and comments from # to the end of a line
 * (after a value: with white space before the #).  A value without quotes ends with its line, white space around it
 * is not part of it.  'single quotes' hold everything as it is, "double quotes" know \n \r \t \" \\ \$ and \`;
 * both may go over lines.  Nothing is expanded: $ is a dollar.
 *
 * Pure     no allocation; values are decoded in place, each 0-terminated.
 * Limits   those of data/env_name.h, and ENV_TEXT_MAX.
 * Invariant a message names a line, and of the text itself at most a name that has passed: what looks like one may
 *          be a piece of a secret.  The same holds for callers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "data/env_name.h"

struct buf;
struct err;

enum { ENV_TEXT_MAX = 2 * 1024 * 1024 };

struct env_var {
	const char *name, *value; /* point into the text */
	size_t n_name, n_value;	  /* a value holds no 0 */
	unsigned int line;	  /* where its name stands */
};

struct env_text {
	struct env_var vars[ENV_VARS_MAX]; /* in the order of the file */
	size_t n;
};

/**
 * env_text_parse() - the variables of @text
 * @text: @n bytes and a 0 after them; overwritten, and borrowed by @ret
 *
 * Return: 0; ERR_INPUT "LINE: what is wrong; what would be right", to stand behind the file's name and a colon: no
 * variable, a name twice or one that env_name_check() refuses, a quote that does not end, bytes that are not UTF-8,
 * a NUL; too much of anything.
 */
int env_text_parse(char *text, size_t n, struct env_text *ret, struct err *e);

/* The most bytes that env_text_json() writes for @t. */
size_t env_text_json_size(const struct env_text *t);

/*
 * Append what is sealed: {"env":[{"key":"...","value":"..."},...]}.  @ret has room for env_text_json_size() already:
 * see secret_buf_init().  Return: of buf_add().
 */
int env_text_json(const struct env_text *t, struct buf *ret);
