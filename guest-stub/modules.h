/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modules: kernel modules, in the order that the image lists them
 *
 * Wire     one absolute path a line; blank lines and lines that begin with '#' mean nothing.
 * Trusts   the image, which is measured.
 */
#pragma once

#include <stddef.h>

struct err;

enum { MODULES_LIST_MAX = 64 * 1024, MODULES_PATH_SIZE = 256 };

/* Load each module of the list file.  One that fails is logged and the rest go on: what needed it will say
 * so in its own words.  Return: how many were loaded (or were there already), or negative. */
int modules_load(const char *list, struct err *e);

/*
 * The same, while the kernel asks nobody for what is not there yet: the list is complete, and AES-NI's module alone
 * would start a dozen processes to look for variants of itself that do not exist.
 */
int modules_load_complete(const char *list, struct err *e);

/**
 * modules_next() - the next path of a list
 * @text: where to go on; moved behind the line that was read
 *
 * Return: 1 and the path; 0 at the end; -ENAMETOOLONG; -EINVAL for a path that is not absolute.
 */
int modules_next(const char **text, char ret[static MODULES_PATH_SIZE]);
