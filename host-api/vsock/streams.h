/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams: the life of a device's streams: found by ports, opened, shut, ended
 */
#pragma once

#include <stdint.h>

#include "vsockdev/stream.h"

struct device;
struct vsock_packet;

struct stream *streams_find(struct device *d, uint32_t host_port, uint32_t guest_port);

/* A port for a connection that the host begins, free with every guest port. */
uint32_t streams_free_port(struct device *d);

/**
 * streams_add() - a new stream for a socket
 * @fd: taken over in every case
 *
 * Return: NULL when there are too many, or it cannot be watched.
 */
struct stream *streams_add(struct device *d, int fd, enum stream_state state);

/* Give it its ports: from now on packets of the guest find it. */
void streams_enter(struct stream *s, uint32_t host_port, uint32_t guest_port);

/* Line it up for a turn, if it has something for the guest. */
void streams_queue(struct stream *s);

/* End it from our side: the socket closes now, the guest is told by RST. */
void streams_reset(struct stream *s);

/* The guest ended it; what it sent before still goes to the host program. */
void streams_leave(struct stream *s);

/* End it without a word to the guest. */
void streams_die(struct stream *s);

/* End all that a guest which boots anew knows nothing of. */
void streams_forget_guest(struct device *d);

/* Free those that died; no pointer to a stream is held across this. */
void streams_bury(struct device *d);

/* End the stream unless something happens before @ms from now; 0: it has all time. */
void streams_set_deadline(struct stream *s, uint32_t ms);

/* End those whose time is over. */
void streams_tick(struct device *d, uint64_t now_ms);

/* Write what waits to the socket, as far as it takes it, and what follows from that. */
void streams_flush(struct stream *s);

/* The socket took @n bytes of the guest more. */
void streams_forwarded(struct stream *s, uint32_t n);

/* The host program will read no more, or send no more. */
void streams_host_stopped_reading(struct stream *s);
void streams_host_stopped_sending(struct stream *s);

/* The guest said VSOCK_SHUTDOWN_* flags. */
void streams_guest_shut(struct stream *s, uint32_t flags);

/* Tell the loop to say when the socket takes bytes again. */
void streams_watch_write(struct stream *s);
