/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console: the files of the web console, built in
 *
 * They are plain HTML, CSS and ES modules of www/, byte for byte; whoever reads them there reads what a
 * browser gets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console_file {
	const char *name, *type;
	const char *etag; /* with its quotes: changes when a byte does */
	const uint8_t *bytes;
	size_t n;
};

/* All of them; the last has no name. */
extern const struct console_file console_files[];

/* The file @name ("index.html"); NULL: there is none. */
const struct console_file *console_find(const char *name);

/* Does an If-None-Match header (NULL: none) name the file that the caller would get? */
bool console_is_known(const struct console_file *f, const char *if_none_match);
