/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtqueue: the device's side of a split virtqueue in memory that a guest writes
 *
 * Borrows  the guest memory; its owner stops the queue before it changes.
 * Trusts   nothing in the rings.  Indices, heads, addresses and lengths are read
 *          once into private variables and checked there (virtio 1.2, 2.7).  A
 *          guest that breaks a rule has its queue broken: it is not served again
 *          until it starts the device anew.
 * Limits   VIRTQUEUE_SIZE_MAX entries, VIRTQUEUE_CHAIN_MAX pieces in a chain: the work per
 *          chain has a bound whatever the guest links together.
 *
 * Use: virtqueue_peek() looks at the chain @ahead places after the next one
 * without taking it; virtqueue_take() takes the first so many;
 * virtqueue_push() gives one back.  virtqueue_wants_signal() then says whether
 * the guest asked to be told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct err;
struct guest_memory;

enum {
	VIRTQUEUE_SIZE_MAX = 1024,
	VIRTQUEUE_CHAIN_MAX = 40, /* Linux sends at most 1 + 18 */
};

struct virtqueue {
	const struct guest_memory *memory;
	uint8_t *desc, *avail, *used; /* in guest memory, checked for @size entries */
	uint32_t size;		      /* a power of two */
	uint16_t next_avail;	      /* the next entry of avail that we will take */
	uint16_t next_used;	      /* the next entry of used that we will write */
	uint16_t signalled;	      /* next_used when we last decided about a signal */
	bool has_signalled;	      /* false: always signal the first use after a start */
	bool event_idx, indirect;     /* negotiated features */
	bool started, broken;
};

/* One chain: pieces of guest memory, all readable by us, or all for us to fill. */
struct virtqueue_chain {
	uint16_t head;
	bool writable;
	size_t n_iov;
	size_t size; /* sum of the pieces */
	struct iovec iov[VIRTQUEUE_CHAIN_MAX];
};

struct virtqueue_place {
	uint64_t desc, avail, used; /* addresses as QEMU sees them */
};

/**
 * virtqueue_start() - begin to serve the rings at @place
 * @size: entries; @base: the next index to take, as an earlier stop returned it
 *
 * Return: 0; ERR_PROTO when size, alignment or addresses do not hold.
 */
int virtqueue_start(struct virtqueue *q, const struct guest_memory *m, uint32_t size,
		    const struct virtqueue_place *place, uint16_t base, struct err *e);

/* Stop; idempotent.  Return: the index to start with next time. */
uint16_t virtqueue_stop(struct virtqueue *q);

/**
 * virtqueue_peek() - look at a chain that the guest made available
 * @writable: which direction it must have
 *
 * Return: 1 with *ret; 0 when there is none so far ahead; ERR_PROTO when the guest
 * broke a rule: the queue is now broken and *e says how.
 */
int virtqueue_peek(struct virtqueue *q, uint16_t ahead, bool writable, struct virtqueue_chain *ret,
		   struct err *e);

/* Take the next @n chains, which virtqueue_peek() has shown. */
void virtqueue_take(struct virtqueue *q, uint16_t n);

/* Give a chain back, @written bytes of it filled.  Visible to the guest after virtqueue_publish(). */
void virtqueue_push(struct virtqueue *q, uint16_t head, uint32_t written);
void virtqueue_publish(struct virtqueue *q);

/* Does the guest want an interrupt for what was published since the last call? */
bool virtqueue_wants_signal(struct virtqueue *q);

/**
 * virtqueue_ask_kick() - ask to be notified of the next chain
 *
 * Return: true when chains arrived in between: serve them, then ask again.
 */
bool virtqueue_ask_kick(struct virtqueue *q);

/* Tell the guest that notifications are of no use while we are serving. */
void virtqueue_mute_kick(struct virtqueue *q);
