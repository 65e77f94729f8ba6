/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets: the files of tokens and passwords of api.tokens_file and api.htpasswd_file, as they are now
 *
 * Owns     what was read of them.
 * Invariant What is in effect was right as a whole; a file that changed and is wrong changes nothing, is
 *	    logged, and shown by is_stale.
 * Thread   the loop's; the files are small and local.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "auth/htpasswd.h"
#include "auth/tokens.h"

struct config_api;
struct err;

struct secret_file {
	const char *path; /* NULL: not configured */
	struct timespec changed;
	ino_t inode;
	off_t size;
};

struct secrets {
	struct secret_file tokens_file, htpasswd_file;
	struct tokens tokens;
	struct htpasswd htpasswd;
	uint64_t looked_ms;
	bool is_stale;
};

/* Read both.  Return: 0; ERR_INPUT with the file, its line and what to do. */
int secrets_load(struct secrets *s, const struct config_api *c, struct err *e);

/* Read again what has changed, at most once a second unless @now.  Return: did anything change? */
bool secrets_refresh(struct secrets *s, bool now);
