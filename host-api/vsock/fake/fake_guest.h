/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_guest: QEMU and a guest's driver in one, for tests and fuzzing of the device
 *
 * It speaks vhost-user over a socketpair, keeps real rings in a memfd and plays
 * the driver's side of them.  All in one thread: it lets the device take its turns.
 *
 * Memory, as the guest sees it: two regions, one behind the other, so that a buffer can
 * cross; between them and the end of the address space is nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vsockdev/device.h"
#include "wire/vsock_packet.h"

enum {
	FAKE_CID = 42,
	FAKE_BASE = 0x10000, /* guest address of the first byte */
	FAKE_SIZE = 8 * 1024 * 1024,
	FAKE_SPLIT = 4 * 1024 * 1024, /* size of the first region */
	FAKE_RING = 128,	      /* entries */
	FAKE_BUFFERS = FAKE_RING / 2,
	FAKE_RX_PAYLOAD = 4096,
	FAKE_TX_PAYLOAD = 65536,
	FAKE_HOSTS = 1100,
};

struct fake_ring {
	uint32_t desc, avail, used, buffers; /* offsets in memory */
	uint16_t next_avail, seen_used;
	int kick, call;
};

struct fake_guest {
	struct device device;
	int qemu; /* our end of the vhost-user connection */
	int memfd;
	uint8_t *memory;
	struct fake_ring rings[2]; /* receive, transmit */
	bool indirect;
	int device_rc; /* of the last turn; 1 while it lives */

	int hosts[FAKE_HOSTS]; /* the far ends of connections the guest opened */
	uint32_t ports[FAKE_HOSTS];
	size_t n_hosts;
	uint32_t refused_port; /* nobody listens on this one */
};

/* Up to running rings with all receive buffers given, unless @n_buffers says fewer. */
void fake_guest_init(struct fake_guest *g, int listener, size_t n_buffers);
void fake_guest_deinit(struct fake_guest *g);

/* The steps of it, for tests that do them their own way. */
void fake_guest_connect(struct fake_guest *g, int listener);
void fake_guest_start(struct fake_guest *g, uint16_t rx_base, uint16_t tx_base);
uint16_t fake_guest_stop(struct fake_guest *g, unsigned int ring);
void fake_guest_clear(struct fake_guest *g); /* rings as after a boot */

/* Send a vhost-user message and let the device take it. */
void fake_guest_tell(struct fake_guest *g, uint32_t request, const void *payload, size_t n,
		     const int *fds, size_t n_fds);
/* Its answer.  Return: bytes of payload. */
size_t fake_guest_hear(struct fake_guest *g, uint32_t request, void *payload, size_t size);

/* Let the device work until it waits for something. */
void fake_guest_turns(struct fake_guest *g);

/* Give one receive buffer, or @n. */
void fake_guest_give(struct fake_guest *g, size_t n);
void fake_guest_kick(struct fake_guest *g, unsigned int ring);

/* Put a descriptor into a table at a memory offset. */
void fake_guest_desc(struct fake_guest *g, uint32_t table, uint16_t i, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next);
/* Make a chain available. */
void fake_guest_offer(struct fake_guest *g, unsigned int ring, uint16_t head);

/* A packet from the guest, kicked and served. */
void fake_guest_send(struct fake_guest *g, const struct vsock_packet *p, const void *payload);
/* The common case of it: fields not given are right for a stream. */
void fake_guest_send_op(struct fake_guest *g, uint16_t op, uint32_t host_port, uint32_t guest_port,
			uint32_t flags);
void fake_guest_send_data(struct fake_guest *g, uint32_t host_port, uint32_t guest_port,
			  const void *bytes, uint32_t n);

/**
 * fake_guest_receive() - the next packet to the guest
 * @payload: room for FAKE_RX_PAYLOAD bytes
 *
 * Its buffer is given again at once if @again.  Return: false when there is none.
 */
bool fake_guest_receive(struct fake_guest *g, struct vsock_packet *p, void *payload, bool again);

/* Receive one packet and insist on its operation and ports. */
struct vsock_packet fake_guest_expect(struct fake_guest *g, uint16_t op, uint32_t host_port,
				      uint32_t guest_port);
