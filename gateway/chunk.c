/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t sizes[CHUNK_SIZES] = { CHUNK_SMALL, CHUNK_MIDDLE, CHUNK_BIG, CHUNK_LARGE };

struct chunk *chunk_take(struct chunk_pool *p, size_t n)
{
	struct chunk *c;
	uint8_t i = 0;

	while (i < CHUNK_SIZES && sizes[i] < n)
		i++;
	if (i == CHUNK_SIZES)
		return NULL;
	c = p->free[i];
	if (c) {
		p->free[i] = c->next;
		p->n[i]--;
	} else {
		c = malloc(sizeof(*c) + sizes[i]);
		if (!c)
			return NULL;
	}
	c->next = NULL;
	c->at = c->end = 0;
	c->cap = sizes[i];
	c->size_class = i;
	return c;
}

void chunk_give(struct chunk_pool *p, struct chunk *c)
{
	if (!c)
		return;
	if (p->n[c->size_class] >= CHUNK_KEPT) {
		free(c);
		return;
	}
	c->next = p->free[c->size_class];
	p->free[c->size_class] = c;
	p->n[c->size_class]++;
}

int chunk_add(struct chunk_pool *p, struct chunk **c, const void *bytes, size_t n)
{
	struct chunk *old = *c, *new;
	size_t left = old ? chunk_left(old) : 0;

	if (!old || old->cap - old->end < n) {
		if (n > CHUNK_LARGE || left + n > CHUNK_LARGE)
			return -ENOBUFS;
		new = chunk_take(p, left + n);
		if (!new)
			return -ENOMEM;
		if (left)
			memcpy(new->bytes, old->bytes + old->at, left);
		new->end = (uint32_t)left;
		chunk_give(p, old);
		*c = old = new;
	}
	memcpy(old->bytes + old->end, bytes, n);
	old->end += (uint32_t)n;
	return 0;
}

void chunk_pool_deinit(struct chunk_pool *p)
{
	int i;

	for (i = 0; i < CHUNK_SIZES; i++) {
		while (p->free[i]) {
			struct chunk *c = p->free[i];

			p->free[i] = c->next;
			free(c);
		}
		p->n[i] = 0;
	}
}
