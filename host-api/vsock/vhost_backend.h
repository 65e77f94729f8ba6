/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost_backend: what QEMU has told the device: features, memory, rings
 *
 * Owns     the guest memory and the ring descriptors (kick, call, err).
 * Borrows  the connection to QEMU.
 * Trusts   QEMU's messages as far as vhost_message checked them; here they are
 *          checked against what was negotiated and said before.
 *
 * A ring starts once its size, place and kick descriptor and the memory are known;
 * it is served while it is enabled too (vhost_ring_is_served()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vsockdev/guest_memory.h"
#include "vsockdev/vhost_message.h"
#include "vsockdev/virtqueue.h"

struct err;
struct vhost_letter;

enum { VHOST_RING_RX, VHOST_RING_TX, VHOST_RING_EVENT };

struct vhost_ring {
	uint32_t size;
	uint16_t base; /* where the next start begins */
	bool has_place, enabled;
	struct virtqueue_place place;
	int kick, call, err;
	struct virtqueue queue;
};

/* Both may be called from vhost_backend_handle() only. */
struct vhost_backend_ops {
	/* The ring began: watch its kick descriptor.  It may not be enabled yet. */
	int (*ring_started)(void *arg, unsigned int index, struct err *e);
	/* The ring ends: forget its kick descriptor, which is closed next. */
	void (*ring_stopping)(void *arg, unsigned int index);
};

struct vhost_backend {
	uint64_t guest_cid, features, protocol_features;
	struct guest_memory memory;
	struct vhost_ring rings[VHOST_RINGS];
	const struct vhost_backend_ops *ops;
	void *arg;
};

void vhost_backend_init(struct vhost_backend *b, uint64_t guest_cid,
			const struct vhost_backend_ops *ops, void *arg);

/* Stop all rings, close their descriptors, unmap the memory; idempotent. */
void vhost_backend_deinit(struct vhost_backend *b);

/**
 * vhost_backend_handle() - do what one message says and answer it
 * @fd: the connection to QEMU, for the answer
 * @l: its descriptors are stolen where they are kept
 *
 * Return: 0; negative when QEMU and we do not understand each other: give up.
 */
int vhost_backend_handle(struct vhost_backend *b, int fd, struct vhost_letter *l, struct err *e);

static inline bool vhost_ring_is_served(const struct vhost_ring *r)
{
	return r->queue.started && r->enabled;
}

/* Interrupt the guest for this ring, if it wants that. */
void vhost_ring_signal(struct vhost_ring *r);
