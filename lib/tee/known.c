/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of entries, looked through from its beginning: with at most a thousand of 48 bytes that costs less
 * than a thousandth of what one entry saves.
 */
#include "tee/known.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

struct entry {
	struct digest256 key;
	void *value; /* NULL: free */
	known_free_fn fn;
	uint64_t asked;
};

struct known {
	size_t max;
	uint64_t now;
	struct entry entries[];
};

struct known *known_new(size_t max)
{
	struct known *k;

	assert(max >= KNOWN_LEAST && max <= KNOWN_MOST);
	k = xcalloc(1, sizeof(*k) + max * sizeof(k->entries[0]));
	k->max = max;
	return k;
}

static void empty(struct entry *e)
{
	if (e->value)
		e->fn(e->value);
	*e = (struct entry){ .value = NULL };
}

void known_free(struct known *k)
{
	size_t i;

	for (i = 0; k && i < k->max; i++)
		empty(&k->entries[i]);
	free(k);
}

void *known_get(struct known *k, const struct digest256 *key)
{
	size_t i;

	for (i = 0; i < k->max; i++) {
		struct entry *e = &k->entries[i];

		if (e->value && memcmp(e->key.b, key->b, sizeof(key->b)) == 0) {
			e->asked = ++k->now;
			return e->value;
		}
	}
	return NULL;
}

void known_put(struct known *k, const struct digest256 *key, void *value, known_free_fn fn)
{
	struct entry *oldest = &k->entries[0];
	size_t i;

	assert(value && fn);
	for (i = 1; i < k->max; i++) {
		if (k->entries[i].asked < oldest->asked)
			oldest = &k->entries[i];
	}
	empty(oldest);
	*oldest = (struct entry){ *key, value, fn, ++k->now };
}
