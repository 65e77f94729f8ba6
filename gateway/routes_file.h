/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes_file: apps that an operator wrote down: a line for each instance
 *
 *	APP INSTANCE ADDRESS PORTS [not-ready]
 *
 * PORTS is "*" (every port), or ports with commas between, or both; a port with a p behind it gets a PROXY header.
 * Nothing is let in that is not written.  Empty lines, and what follows a #, are nothing.
 *
 * Limits   ROUTES_FILE_MAX bytes, ROUTES_LINE_MAX a line.
 */
#pragma once

#include <stddef.h>

#include "gateway/routes.h"

struct err;

enum { ROUTES_FILE_MAX = 64 * 1024 * 1024, ROUTES_LINE_MAX = 1024, ROUTES_FIELDS = 5 };

/* A line, its words in @words: the ids of @ret point there. */
struct routes_line {
	char words[ROUTES_LINE_MAX];
	struct route_instance instance;
};

/* Return: 1, 0: an empty line; ERR_INPUT with what is wrong. */
int routes_line_parse(const char *p, size_t n, struct routes_line *ret, struct err *e);

/* Add each line of @n bytes; messages say "file:line: ".  Return: 0 or negative. */
int routes_text_add(const char *p, size_t n, const char *file, struct routes_builder *b,
		    struct err *e);

/* The same of a file. */
int routes_file_add(const char *path, struct routes_builder *b, struct err *e);
