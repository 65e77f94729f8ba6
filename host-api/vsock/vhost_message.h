/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost_message: the messages of vhost-user that QEMU sends to a vsock device
 *
 * Wire     header { u32 request; u32 flags; u32 size }, then size bytes, in the
 *          byte order of the host; file descriptors beside it (QEMU's document
 *          interop/vhost-user).
 * Trusts   nothing: request, version, size and count of descriptors are checked
 *          together, in one table.  Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vsockdev/guest_memory.h"

struct err;

enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_RESET_OWNER = 4,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_SET_VRING_ERR = 14,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
	VHOST_GET_CONFIG = 24,
	VHOST_SET_CONFIG = 25,
	VHOST_RESET_DEVICE = 34,
	VHOST_REQUEST_COUNT = 64, /* above all that is known */
};

enum {
	VHOST_HEADER = 12,
	VHOST_CONFIG_HEADER = 12,
	VHOST_CONFIG_MAX = 256,
	VHOST_PAYLOAD_MAX = VHOST_CONFIG_HEADER + VHOST_CONFIG_MAX + 32,
	VHOST_FDS_MAX = GUEST_MEMORY_REGIONS,
	VHOST_FLAG_VERSION = 1, /* of 2 bits */
	VHOST_FLAG_REPLY = 4,
	VHOST_FLAG_NEED_REPLY = 8,
	VHOST_RINGS = 3, /* receive, transmit, event */
};

struct vhost_ring_state {
	uint32_t index, num;
};

struct vhost_ring_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct vhost_config {
	uint32_t offset, size, flags;
	const uint8_t *bytes; /* borrowed from the payload; @size of them */
};

struct vhost_message {
	enum vhost_request request;
	bool wants_ack; /* NEED_REPLY was set */
	union {
		uint64_t number;
		struct vhost_ring_state state;
		struct vhost_ring_addr addr;
		struct vhost_config config;
		struct {
			uint32_t index;
			bool has_fd;
		} file;
		struct {
			uint32_t n;
			struct guest_region regions[GUEST_MEMORY_REGIONS];
		} memory;
	};
};

/**
 * vhost_message_size() - judge a header
 *
 * Return: how many bytes of payload follow (at most VHOST_PAYLOAD_MAX), or ERR_PROTO.
 */
int vhost_message_size(const uint8_t header[static VHOST_HEADER], struct err *e);

/**
 * vhost_message_parse() - judge a whole message
 * @payload: as many bytes as vhost_message_size() said; borrowed by *ret
 * @n_fds: how many descriptors came with it
 *
 * Ring indices in *ret are below VHOST_RINGS.  Return: 0 or ERR_PROTO.
 */
int vhost_message_parse(const uint8_t header[static VHOST_HEADER], const uint8_t *payload,
			size_t n_fds, struct vhost_message *ret, struct err *e);
