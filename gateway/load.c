/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/load.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

enum { PORT_SHIFT = 48, COUNT_SHIFT = 40 };

static const uint64_t until_mask = (UINT64_C(1) << 40) - 1;

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
	if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(atomic_load_explicit(&l->ports, memory_order_relaxed));
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

static uint64_t rest_of(uint32_t failures)
{
	uint64_t rest = (uint64_t)LOAD_REST_MS << (failures < 6 ? failures : 6);

	return rest < LOAD_REST_MAX_MS ? rest : LOAD_REST_MAX_MS;
}

void load_failed(struct load *l, uint64_t now_ms)
{
	uint32_t n = atomic_fetch_add_explicit(&l->failures, 1, memory_order_relaxed);

	atomic_store_explicit(&l->rest_until_ms, now_ms + rest_of(n), memory_order_relaxed);
}

static uint16_t port_of(uint64_t slot)
{
	return (uint16_t)(slot >> PORT_SHIFT);
}

/* One that two threads make at once is one's, the other's is freed. */
static struct load_ports *ports_of(struct load *l)
{
	struct load_ports *none = NULL,
			  *new = atomic_load_explicit(&l->ports, memory_order_acquire);

	if (new)
		return new;
	new = xnew(struct load_ports);
	if (atomic_compare_exchange_strong(&l->ports, &none, new))
		return new;
	free(new);
	return none;
}

/* Two that refuse at once may lose a count: each slot is written whole, and it counts again. */
void load_refused(struct load *l, uint16_t port, uint64_t now_ms)
{
	struct load_ports *p = ports_of(l);
	uint64_t found = 0, least = UINT64_MAX, slot, n;
	size_t at = 0, i;

	for (i = 0; i < LOAD_PORTS; i++) {
		slot = atomic_load_explicit(&p->slots[i], memory_order_relaxed);
		if (port_of(slot) == port) {
			found = slot;
			at = i;
			break;
		}
		if ((slot & until_mask) < least) { /* the one whose rest is over first gives way */
			least = slot & until_mask;
			at = i;
		}
	}
	n = found >> COUNT_SHIFT & UINT8_MAX;
	slot = (uint64_t)port << PORT_SHIFT | (n < UINT8_MAX ? n + 1 : n) << COUNT_SHIFT |
	       ((now_ms + rest_of((uint32_t)n)) & until_mask);
	atomic_store_explicit(&p->slots[at], slot, memory_order_relaxed);
}

void load_answered(struct load *l, uint16_t port)
{
	struct load_ports *p = atomic_load_explicit(&l->ports, memory_order_acquire);
	size_t i;

	/* read first: to write what is there already would move the line between cores for each connection */
	if (atomic_load_explicit(&l->failures, memory_order_relaxed) != 0) {
		atomic_store_explicit(&l->failures, 0, memory_order_relaxed);
		atomic_store_explicit(&l->rest_until_ms, 0, memory_order_relaxed);
	}
	for (i = 0; p && i < LOAD_PORTS; i++) {
		if (port_of(atomic_load_explicit(&p->slots[i], memory_order_relaxed)) == port)
			atomic_store_explicit(&p->slots[i], 0, memory_order_relaxed);
	}
}

size_t load_resting_ports(const struct load *l, uint64_t now_ms, uint16_t ret[static LOAD_PORTS])
{
	const struct load_ports *p = atomic_load_explicit(&l->ports, memory_order_acquire);
	uint64_t slot;
	size_t i, n = 0;

	for (i = 0; p && i < LOAD_PORTS; i++) {
		slot = atomic_load_explicit(&p->slots[i], memory_order_relaxed);
		if ((slot & until_mask) > now_ms)
			ret[n++] = port_of(slot);
	}
	return n;
}

bool load_is_resting(const struct load *l, uint16_t port, uint64_t now_ms)
{
	const struct load_ports *p;
	uint64_t slot;
	size_t i;

	if (atomic_load_explicit(&l->rest_until_ms, memory_order_relaxed) > now_ms)
		return true;
	p = port ? atomic_load_explicit(&l->ports, memory_order_acquire) : NULL;
	for (i = 0; p && i < LOAD_PORTS; i++) {
		slot = atomic_load_explicit(&p->slots[i], memory_order_relaxed);
		if (port_of(slot) == port)
			return (slot & until_mask) > now_ms;
	}
	return false;
}
