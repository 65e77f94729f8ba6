/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/load.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

struct load *load_new(const char *id)
{
	struct load *l = xnew(struct load);

	atomic_init(&l->refs, 1);
	(void)str_copy(l->id, sizeof(l->id), id);
	return l;
}

struct load *load_ref(struct load *l)
{
	(void)atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

void load_unref(struct load *l)
{
	if (l && atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1)
		free(l);
}

bool load_enter(struct load *l, uint32_t most)
{
	uint32_t before = atomic_fetch_add_explicit(&l->conns, 1, memory_order_relaxed);

	if (most && before >= most) {
		(void)atomic_fetch_sub_explicit(&l->conns, 1, memory_order_relaxed);
		return false;
	}
	(void)atomic_fetch_add_explicit(&l->total, 1, memory_order_relaxed);
	return true;
}

void load_leave(struct load *l)
{
	uint32_t before = atomic_fetch_sub_explicit(&l->conns, 1, memory_order_relaxed);

	assert(before > 0);
}

void load_failed(struct load *l, uint64_t now_ms)
{
	uint32_t n = atomic_fetch_add_explicit(&l->failures, 1, memory_order_relaxed);
	uint64_t rest = (uint64_t)LOAD_REST_MS << (n < 6 ? n : 6);

	if (rest > LOAD_REST_MAX_MS)
		rest = LOAD_REST_MAX_MS;
	atomic_store_explicit(&l->rest_until_ms, now_ms + rest, memory_order_relaxed);
}

void load_answered(struct load *l)
{
	/* read first: to write what is there already would move the line between cores for each connection */
	if (atomic_load_explicit(&l->failures, memory_order_relaxed) == 0)
		return;
	atomic_store_explicit(&l->failures, 0, memory_order_relaxed);
	atomic_store_explicit(&l->rest_until_ms, 0, memory_order_relaxed);
}

bool load_is_resting(const struct load *l, uint64_t now_ms)
{
	return atomic_load_explicit(&l->rest_until_ms, memory_order_relaxed) > now_ms;
}
