/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_file: an operator's .env file, read, and held against what an app may be given
 *
 * Owns     the text and what was made of it, wiped when it is freed.
 * Limits   of data/env_text.h; ENV_FILE_PLAIN_MAX bytes of what is sealed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct app;
struct env_text;
struct err;

enum {
	ENV_FILE_PLAIN_MAX = 256 * 1024 - 60, /* a guest takes 256 KiB of sealed bytes */
	ENV_FILE_PATH_MAX = 4096,
};

struct env_file {
	char *path;
	struct buf text;
	struct env_text *vars; /* points into text */
	struct buf plain;      /* what is sealed */
	bool is_exposed;       /* others than its owner can read the file */
};

/* @path, or stdin as "-".  Return: 0 and *@ret, the caller's; ERR_INPUT "PATH:LINE: what is wrong". */
int env_file_read(const char *path, struct env_file **ret, struct err *e);
void env_file_free(struct env_file *f);

/* The one that @a names as env_file, checked against it; *@ret is NULL if it names none. */
int env_file_of_app(const struct app *a, struct env_file **ret, struct err *e);

/* Where it is that @a names: beside the YAML.  Return: 0 or ERR_INPUT. */
int env_file_path(const struct app *a, char ret[static ENV_FILE_PATH_MAX], struct err *e);

/* May @a, whose compose is known, be given these?  Return: 0; ERR_INPUT with what to write. */
int env_file_check(const struct env_file *f, const struct app *a, struct err *e);
