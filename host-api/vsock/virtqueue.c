/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout (virtio 1.2, 2.7), all little endian:
 *
 *	desc   size x { le64 addr; le32 len; le16 flags; le16 next }
 *	avail  le16 flags; le16 idx; le16 ring[size]; le16 used_event
 *	used   le16 flags; le16 idx; { le32 id; le32 len } ring[size]; le16 avail_event
 *
 * Ordering: the guest's writes before avail.idx are seen after our acquire load of
 * it; ours before used.idx are seen after our release store.  Where a decision
 * needs "my store, then your load" on both sides (signals, kicks), a full
 * fence stands between.
 */
#include "vsockdev/virtqueue.h"

#include <endian.h>
#include <string.h>

#include "base/err.h"
#include "vsockdev/guest_memory.h"

enum {
	DESC_SIZE = 16,
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,
	AVAIL_NO_INTERRUPT = 1,
	USED_NO_NOTIFY = 1,
};

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	const uint8_t *p;
	uint32_t n;
};

static uint16_t load16(const uint8_t *at)
{
	uint16_t v;

	/* alignment was checked when the rings were placed */
	__atomic_load((const uint16_t *)(const void *)at, &v, __ATOMIC_RELAXED);
	return le16toh(v);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): __atomic_store() writes through it */
static void store16(uint8_t *at, uint16_t v)
{
	uint16_t le = htole16(v);

	__atomic_store((uint16_t *)(void *)at, &le, __ATOMIC_RELAXED);
}

static uint16_t avail_idx(const struct virtqueue *q)
{
	uint16_t v = load16(q->avail + 2);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return v;
}

/* The guest may rewrite a descriptor at any time: copy it once, use only the copy. */
static struct desc desc_copy(const uint8_t *at)
{
	uint64_t words[2];
	size_t i;

	for (i = 0; i < 2; i++) {
		__atomic_load((const uint64_t *)(const void *)(at + 8 * i), &words[i],
			      __ATOMIC_RELAXED);
		words[i] = le64toh(words[i]);
	}
	return (struct desc){ .addr = words[0],
			      .len = (uint32_t)words[1],
			      .flags = (uint16_t)(words[1] >> 32),
			      .next = (uint16_t)(words[1] >> 48) };
}

static int broken(struct virtqueue *q, struct err *e, const char *why)
{
	q->broken = true;
	return err_set(e, ERR_PROTO, "virtqueue broken by the guest: %s", why);
}

int virtqueue_start(struct virtqueue *q, const struct guest_memory *m, uint32_t size,
		    const struct virtqueue_place *place, uint16_t base, struct err *e)
{
	uint8_t *desc, *avail, *used;

	if (size == 0 || size > VIRTQUEUE_SIZE_MAX || (size & (size - 1)))
		return err_set(e, ERR_PROTO, "queue of %u entries, not a power of two up to %d",
			       size, VIRTQUEUE_SIZE_MAX);
	desc = guest_memory_at_user(m, place->desc, (uint64_t)size * DESC_SIZE);
	avail = guest_memory_at_user(m, place->avail, 6 + (uint64_t)size * 2);
	used = guest_memory_at_user(m, place->used, 6 + (uint64_t)size * 8);
	if (!desc || !avail || !used)
		return err_set(e, ERR_PROTO, "queue rings are not in guest memory");
	if ((uintptr_t)desc % DESC_SIZE || (uintptr_t)avail % 2 || (uintptr_t)used % 4)
		return err_set(e, ERR_PROTO, "queue rings are not aligned");
	q->memory = m;
	q->desc = desc;
	q->avail = avail;
	q->used = used;
	q->size = size;
	q->next_avail = base;
	q->next_used = load16(used + 2); /* continues where an earlier stop left it */
	q->signalled = q->next_used;
	q->has_signalled = false;
	q->broken = false;
	q->started = true;
	return 0;
}

uint16_t virtqueue_stop(struct virtqueue *q)
{
	q->started = false;
	q->broken = false;
	return q->next_avail;
}

static int add_piece(struct virtqueue *q, const struct desc *d, struct virtqueue_chain *c,
		     struct err *e)
{
	bool writable = (d->flags & DESC_WRITE) != 0;
	int n;

	if (writable != c->writable)
		return broken(q, e, "descriptor of the wrong direction");
	n = guest_memory_iov(q->memory, d->addr, d->len, c->iov + c->n_iov,
			     VIRTQUEUE_CHAIN_MAX - c->n_iov);
	if (n < 0)
		return broken(q, e, "descriptor outside of its memory, or a chain too long");
	c->n_iov += (size_t)n;
	c->size += d->len; /* at most CHAIN_MAX x 4 GiB */
	return 0;
}

static int open_indirect(struct virtqueue *q, const struct desc *d, struct table *t, struct err *e)
{
	const uint8_t *p;

	if (!q->indirect || (d->flags & DESC_NEXT))
		return broken(q, e, "indirect descriptor where none may be");
	if (d->len == 0 || d->len % DESC_SIZE || d->len / DESC_SIZE > VIRTQUEUE_SIZE_MAX)
		return broken(q, e, "indirect table of a wrong length");
	p = guest_memory_at(q->memory, d->addr, d->len);
	if (!p || (uintptr_t)p % 8)
		return broken(q, e, "indirect table outside of its memory");
	*t = (struct table){ .p = p, .n = d->len / DESC_SIZE };
	return 0;
}

static int walk(struct virtqueue *q, uint16_t head, struct virtqueue_chain *c, struct err *e)
{
	struct table t = { .p = q->desc, .n = q->size };
	bool inside = false;
	uint16_t at = head;
	size_t steps;
	int rc;

	for (steps = 0; steps <= VIRTQUEUE_CHAIN_MAX; steps++) {
		struct desc d;

		if (at >= t.n)
			return broken(q, e, "descriptor index out of range");
		d = desc_copy(t.p + (size_t)at * DESC_SIZE);
		if (d.flags & DESC_INDIRECT) {
			rc = inside ? broken(q, e, "indirect table in an indirect table")
				    : open_indirect(q, &d, &t, e);
			if (rc < 0)
				return rc;
			inside = true;
			at = 0;
			continue;
		}
		rc = add_piece(q, &d, c, e);
		if (rc < 0)
			return rc;
		if (!(d.flags & DESC_NEXT))
			return 1;
		at = d.next;
	}
	return broken(q, e, "chain too long, or a loop");
}

int virtqueue_peek(struct virtqueue *q, uint16_t ahead, bool writable, struct virtqueue_chain *ret,
		   struct err *e)
{
	uint16_t waiting, slot;

	if (!q->started || q->broken)
		return 0;
	waiting = (uint16_t)(avail_idx(q) - q->next_avail);
	if (waiting > q->size)
		return broken(q, e, "available index ran away");
	if (ahead >= waiting)
		return 0;
	slot = (uint16_t)((q->next_avail + ahead) & (q->size - 1));
	ret->head = load16(q->avail + 4 + 2 * (size_t)slot);
	ret->writable = writable;
	ret->n_iov = 0;
	ret->size = 0;
	if (ret->head >= q->size)
		return broken(q, e, "head out of range");
	return walk(q, ret->head, ret, e);
}

void virtqueue_take(struct virtqueue *q, uint16_t n)
{
	q->next_avail = (uint16_t)(q->next_avail + n);
}

void virtqueue_push(struct virtqueue *q, uint16_t head, uint32_t written)
{
	uint8_t *at = q->used + 4 + 8 * (size_t)(q->next_used & (q->size - 1));
	uint32_t entry[2] = { htole32(head), htole32(written) };

	memcpy(at, entry, sizeof entry);
	q->next_used++;
}

void virtqueue_publish(struct virtqueue *q)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store16(q->used + 2, q->next_used);
}

bool virtqueue_wants_signal(struct virtqueue *q)
{
	uint16_t was = q->signalled, now = q->next_used, event;
	bool first = !q->has_signalled;

	if (!q->started || was == now)
		return false;
	q->signalled = now;
	q->has_signalled = true;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(load16(q->avail) & AVAIL_NO_INTERRUPT);
	event = load16(q->avail + 4 + 2 * (size_t)q->size);
	/* did the index pass the event? (virtio 1.2, 2.7.10.1) */
	return first || (uint16_t)(now - event - 1) < (uint16_t)(now - was);
}

bool virtqueue_ask_kick(struct virtqueue *q)
{
	if (!q->started || q->broken)
		return false;
	if (q->event_idx)
		store16(q->used + 4 + 8 * (size_t)q->size, q->next_avail);
	else
		store16(q->used, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return avail_idx(q) != q->next_avail;
}

void virtqueue_mute_kick(struct virtqueue *q)
{
	/* with event idx nothing need be written: the event stays behind us by itself */
	if (q->started && !q->broken && !q->event_idx)
		store16(q->used, USED_NO_NOTIFY);
}
