/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent: credentials that were right a short while ago, so that a slow check is not made for each call
 *
 * Owns     keyed digests of them, never the credentials.
 * Limits   RECENT_MAX; the one that ends first makes room.
 * Thread   one.  Time is given by the caller.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "auth/role.h"
#include "crypto/digest.h"

enum { RECENT_MAX = 128, RECENT_MS = 5 * 60 * 1000, RECENT_NAME_MAX = 48 };

struct recent_entry {
	uint64_t until_ms; /* 0: free */
	enum role role;
	struct digest256 digest;
	char name[RECENT_NAME_MAX + 1];
};

struct recent {
	uint8_t key[32];
	struct recent_entry entries[RECENT_MAX];
};

/* Forget all, and take a new key. */
void recent_reset(struct recent *r);

void recent_add(struct recent *r, const char *user, const char *secret, const char *name,
		enum role role, uint64_t now_ms);

/* NULL: not, or no longer. */
const struct recent_entry *recent_find(const struct recent *r, const char *user, const char *secret,
				       uint64_t now_ms);
