/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost_channel: whole vhost-user messages over a unix socket, with their file descriptors
 *
 * Borrows  the socket, which is blocking with a receive timeout: QEMU sends a
 *          message in one piece, so a wait in the middle means a broken QEMU.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vsockdev/vhost_message.h"

struct err;

/* A received message.  Owns its descriptors until they are stolen. */
struct vhost_letter {
	struct vhost_message message;
	uint8_t header[VHOST_HEADER], payload[VHOST_PAYLOAD_MAX];
	int fds[VHOST_FDS_MAX];
	size_t n_fds;
};

/**
 * vhost_channel_receive() - wait for one message
 *
 * Return: 1; 0 when QEMU closed the connection between messages; ERR_PROTO or a
 * negative errno.  Except after 1, nothing is left to close.
 */
int vhost_channel_receive(int fd, struct vhost_letter *l, struct err *e);

/* Close the descriptors that nobody stole. */
void vhost_letter_close(struct vhost_letter *l);

/* Answer @request with @n bytes of payload.  Return: 0 or a negative errno. */
int vhost_channel_reply(int fd, enum vhost_request request, const void *payload, size_t n,
			struct err *e);
