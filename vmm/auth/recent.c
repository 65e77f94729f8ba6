/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/recent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"

void recent_reset(struct recent *r)
{
	memset(r, 0, sizeof(*r));
	if (getrandom(r->key, sizeof(r->key), 0) != (ssize_t)sizeof(r->key))
		abort(); /* cannot fail once the pool is up */
}

/* A user's NUL separates it from the secret. */
static struct digest256 digest_of(const struct recent *r, const char *user, const char *secret)
{
	const struct digest_part parts[] = {
		{ r->key, sizeof(r->key) },
		{ user, strlen(user) + 1 },
		{ secret, strlen(secret) },
	};

	return digest256_of(parts, 3);
}

void recent_add(struct recent *r, const char *user, const char *secret, const char *name,
		enum role role, uint64_t now_ms)
{
	struct recent_entry *to = &r->entries[0];
	size_t i;

	for (i = 1; i < RECENT_MAX; i++) {
		if (r->entries[i].until_ms < to->until_ms)
			to = &r->entries[i];
	}
	to->until_ms = now_ms + RECENT_MS;
	to->role = role;
	to->digest = digest_of(r, user, secret);
	(void)str_copy(to->name, sizeof(to->name), name);
}

/* The digests are keyed, so how long a comparison takes says nothing about a secret. */
const struct recent_entry *recent_find(const struct recent *r, const char *user, const char *secret,
				       uint64_t now_ms)
{
	struct digest256 d = digest_of(r, user, secret);
	size_t i;

	for (i = 0; i < RECENT_MAX; i++) {
		if (r->entries[i].until_ms > now_ms &&
		    memcmp(r->entries[i].digest.b, d.b, sizeof(d.b)) == 0)
			return &r->entries[i];
	}
	return NULL;
}
