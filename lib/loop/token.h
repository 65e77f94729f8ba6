/* SPDX-License-Identifier: Apache-2.0 */
/* token: a caller's token against the one in a file, or in our environment */
#pragma once

#include <stdbool.h>

struct err;
struct http_request;

enum { TOKEN_MIN = 16, TOKEN_MAX = 256 };

/* The file's first line, of TOKEN_MIN to TOKEN_MAX printable bytes.  Return: 0 and *@ret, for secret_str_free(). */
int token_read(const char *path, char **ret, struct err *e);

/*
 * The same of the environment's variable @name, which is wiped and taken out of the environment, so that neither
 * children nor /proc show it.  Return: 0, and *@ret is NULL if there is none.
 */
int token_take_environment(const char *name, char **ret, struct err *e);

/* "Authorization: Bearer T" or "X-Admin-Token: T", compared in constant time. */
bool token_is_shown(const struct http_request *r, const char *token);
