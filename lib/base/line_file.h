/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_file: a file of lines that grows to a limit, then begins anew and keeps the one before
 *
 * Owns     the file NAME of mode 0600 in a folder, and NAME.1.  Append only; a line is one write(2), not fsynced.
 * Limits   max bytes of each of the two, and a line.
 * Thread   one at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum { LINE_FILE_NAME_MAX = 64 };

struct line_file {
	int dirfd, fd; /* -1: not open, and nothing is written */
	uint64_t size, max;
	char name[LINE_FILE_NAME_MAX], before[LINE_FILE_NAME_MAX];
};

#define LINE_FILE_NULL ((struct line_file){ .dirfd = -1, .fd = -1 })

/* Return: 0 or a negative errno. */
int line_file_open(struct line_file *f, const char *folder, const char *name, uint64_t max,
		   struct err *e);
void line_file_close(struct line_file *f);

/* @line without its end.  Return: 0; a negative errno, and it may be there in part. */
int line_file_add(struct line_file *f, const char *line);
