/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: the tokens that callers over TCP are known by
 *
 * A file of lines "role name token": role is read or operate, name is for people, token is the token itself
 * (TOKEN_MIN to TOKEN_MAX printable characters without space) or "sha256:" and the 64 hex digits of its
 * SHA-256.  Empty lines and those that begin with # say nothing.
 *
 * Owns     digests; a token itself is forgotten when it is read.
 * Limits   TOKENS_MAX lines, TOKENS_FILE_MAX bytes.
 */
#pragma once

#include <stddef.h>

#include "auth/role.h"
#include "crypto/digest.h"

struct err;

enum {
	TOKENS_MAX = 256,
	TOKENS_FILE_MAX = 64 * 1024,
	TOKEN_MIN = 16,
	TOKEN_MAX = 512,
	TOKEN_NAME_MAX = 48,
};

struct token {
	enum role role;
	char name[TOKEN_NAME_MAX + 1];
	struct digest256 digest;
};

struct tokens {
	struct token items[TOKENS_MAX];
	size_t n;
};

/* Read @text of @n bytes.  Return: 0; ERR_INPUT with the line, and never its token. */
int tokens_parse(const char *text, size_t n, const char *file, struct tokens *ret, struct err *e);

/* Whose token is @secret?  All are compared, each in constant time.  NULL: nobody's. */
const struct token *tokens_find(const struct tokens *t, const char *secret);
