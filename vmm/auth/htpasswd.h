/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htpasswd: users and bcrypt hashes, as Apache's htpasswd -B writes them
 *
 * Lines "user:hash", bcrypt only ($2a$, $2b$, $2y$, cost 4 to 14).  Empty lines and those that begin with #
 * say nothing; anything else that is wrong, or a file without a user, is refused.
 *
 * Limits   HTPASSWD_MAX users.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

enum {
	HTPASSWD_MAX = 256,
	HTPASSWD_FILE_MAX = 64 * 1024,
	HTPASSWD_USER_MAX = 48,
	HTPASSWD_HASH_LEN = 60,
};

struct htpasswd_user {
	char name[HTPASSWD_USER_MAX + 1];
	char hash[HTPASSWD_HASH_LEN + 1];
};

struct htpasswd {
	struct htpasswd_user users[HTPASSWD_MAX];
	size_t n;
};

int htpasswd_parse(const char *text, size_t n, const char *file, struct htpasswd *ret,
		   struct err *e);

/* NULL: there is none. */
const struct htpasswd_user *htpasswd_find(const struct htpasswd *h, const char *user);

/*
 * Is @password that of @hash?  Slow on purpose: some 100 ms at cost 10, so on a worker thread.  bcrypt looks
 * at the first 72 bytes of a password only; a longer one is refused rather than cut.
 */
bool htpasswd_verify(const char *hash, const char *password);
