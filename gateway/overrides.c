/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/overrides.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { FIRST = 16 };

void overrides_deinit(struct overrides *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		free(o->list[i]);
	free(o->list);
	*o = (struct overrides){ .n = 0 };
}

/* The first place whose id is not less. */
static size_t lower(const struct overrides *o, const char *id)
{
	size_t low = 0, high = o->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(o->list[mid]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct override *find(const struct overrides *o, const char *id)
{
	size_t at = lower(o, id);

	return at < o->n && str_equal(o->list[at]->id, id) ? o->list[at] : NULL;
}

const struct override *overrides_find(const struct overrides *o, const char *id)
{
	return find(o, id);
}

void overrides_remove(struct overrides *o, const char *id)
{
	size_t at = lower(o, id);

	if (at == o->n || !str_equal(o->list[at]->id, id))
		return;
	free(o->list[at]);
	o->n--;
	memmove(o->list + at, o->list + at + 1, (o->n - at) * sizeof(*o->list));
}

static int grow(struct overrides *o, struct err *e)
{
	size_t cap = o->cap ? 2 * o->cap : FIRST;
	struct override **list;

	if (o->n >= OVERRIDES_MAX)
		return err_set(
			e, ERR_LIMIT,
			"an operator has said something of %zu instances, which is the limit",
			o->n);
	if (o->n < o->cap)
		return 0;
	list = reallocarray(o->list, cap, sizeof(struct override *));
	if (!list)
		return err_set(e, -ENOMEM, "no memory for %zu overrides", cap);
	o->list = list;
	o->cap = cap;
	return 0;
}

int overrides_put(struct overrides *o, const struct override *what, struct err *e)
{
	struct override *old = find(o, what->id);
	size_t at;
	int rc;

	if (!what->is_drained && !what->policy.is_known) {
		overrides_remove(o, what->id);
		return 0;
	}
	if (old) {
		*old = *what;
		return 0;
	}
	rc = grow(o, e);
	if (rc)
		return rc;
	at = lower(o, what->id);
	memmove(o->list + at + 1, o->list + at, (o->n - at) * sizeof(*o->list));
	o->list[at] = xmemdup(what, sizeof(*what));
	o->n++;
	return 0;
}

bool override_drains(const struct override *o, const uint8_t key[static OVERRIDE_KEY])
{
	return o && o->is_drained && memcmp(o->key, key, OVERRIDE_KEY) == 0;
}
