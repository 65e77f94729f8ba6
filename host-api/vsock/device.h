/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device: a virtio socket device between one guest and unix sockets of the host
 *
 * Owns     the connection to QEMU, the listening socket, all streams.
 * Trusts   neither the guest (virtqueue, vsock_packet check what it writes) nor,
 *          beyond what keeps it alive, QEMU.
 * Limits   DEVICE_STREAMS streams, DEVICE_RSTS refusals waiting, and per stream
 *          those of stream.h: 1024 x 64 KiB + 16 MiB when every host program stops reading.
 * Thread   one.
 *
 * A turn of the loop takes packets from the guest (from_guest.c), gives
 * each stream that has something to say its turn (to_guest.c), then interrupts
 * the guest once per ring.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vsockdev/loop.h"
#include "vsockdev/log_limit.h"
#include "vsockdev/stream.h"
#include "vsockdev/vhost_backend.h"
#include "wire/vsock_packet.h"

struct err;

enum {
	DEVICE_STREAMS = 1024,
	DEVICE_BUCKETS = 256,
	DEVICE_RSTS = 256,
	DEVICE_RX_BATCH = 64,		  /* receive buffers filled by one read */
	DEVICE_HOST_PORT_FIRST = 1 << 30, /* ports we choose are above those that people choose */
};

/* How a guest's connection reaches the host; tests bring their own. */
struct device_host {
	/* Return: a connected non-blocking stream socket, or a negative errno. */
	int (*connect)(void *arg, uint32_t port);
	void *arg;
};

struct device_ring_source {
	struct loop_source source;
	struct device *device;
};

struct device {
	struct loop loop;
	struct vhost_backend backend;
	struct device_host host;
	struct log_limit complaints;
	struct loop_source qemu_source, listener_source;
	struct device_ring_source kicks[VHOST_RINGS];
	int qemu, listener;
	bool ended;	   /* QEMU is gone; why is in @end */
	bool from_ready;   /* the transmit ring may have packets */
	bool busy;	   /* there is more to do before the next wait */
	bool was_broken;   /* the guest broke a ring, and its streams were let go */
	bool guest_is_new; /* rings were stopped: the next start may be another boot */
	int end_code;
	uint64_t next_tick_ms;

	struct stream_list buckets[DEVICE_BUCKETS], all, dead;
	struct stream_turns turns;
	uint32_t n_streams, next_port;
	uint32_t n_waiting; /* streams with a deadline */
	uint64_t window_budget;

	struct vsock_packet rsts[DEVICE_RSTS]; /* a ring */
	uint32_t rst_head, n_rsts;

	struct virtqueue_chain rx[DEVICE_RX_BATCH];
};

/**
 * device_init() - a device that talks to QEMU over @qemu
 * @qemu: a connected socket; taken over in every case
 * @listener: a listening unix socket for host programs, or -1; taken over in every case
 *
 * Return: 0 or negative; then nothing is left to deinit.
 */
int device_init(struct device *d, uint64_t guest_cid, int qemu, int listener,
		const struct device_host *host, struct err *e);
void device_deinit(struct device *d);

/**
 * device_turn() - wait for something to happen and deal with it
 * @timeout_ms: wait no longer than this; -1: as long as nothing is due
 *
 * Return: 1 to go on; 0 when QEMU closed the connection; negative when it broke.
 */
int device_turn(struct device *d, int timeout_ms, struct err *e);

/* Serve the rings and streams once, without waiting: what device_turn() does after events. */
void device_serve(struct device *d);

/* A line about something the guest did wrong, at most a few a second. */
void device_complain(struct device *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Return: true when the budget allowed it (from_guest.c, to_guest.c). */
bool device_from_guest(struct device *d);
bool device_to_guest(struct device *d);
