/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: one connection between a guest's port and a unix socket of the host
 *
 * Owns     the socket and the bytes that wait for it.
 * Thread   one; a stream that died is freed at the end of the turn of the loop, so
 *          a pointer taken in a turn is good until its end.
 *
 *	state		in the table	what it waits for
 *	GREETING	no		"CONNECT <port>\n" of a host program
 *	REQUESTED	yes		the guest's RESPONSE or RST
 *	OPEN		yes		-
 *	RESETTING	yes		room to send RST; the socket is closed already
 *	DRAINING	no		the host program to read what the guest sent before it left
 *	DEAD		no		the end of the turn
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "vsockdev/backlog.h"
#include "vsockdev/loop.h"

struct device;
struct vsock_packet;

enum {
	STREAM_WINDOW = 64 * 1024,	      /* what each stream may have waiting here */
	STREAM_WINDOW_BUSY = 256 * 1024,      /* a stream that moves bytes, while there is budget */
	STREAM_BUSY_TOTAL = 16 * 1024 * 1024, /* the budget: memory beyond the small windows */
	STREAM_WAIT_MS = 10 * 1000,	      /* GREETING, REQUESTED */
	STREAM_DRAIN_MS = 60 * 1000,
};

enum stream_state {
	STREAM_GREETING,
	STREAM_REQUESTED,
	STREAM_OPEN,
	STREAM_RESETTING,
	STREAM_DRAINING,
	STREAM_DEAD,
	STREAM_STATE_COUNT,
};

/* Packets a stream has to send besides data; a set, so the queue has a bound. */
enum {
	STREAM_SEND_REQUEST = 1,
	STREAM_SEND_RESPONSE = 2,
	STREAM_SEND_RST = 4,
	STREAM_SEND_CREDIT = 8,
	STREAM_SEND_SHUTDOWN = 16,
};

struct stream {
	LIST_ENTRY(stream) bucket; /* in the table, by ports */
	LIST_ENTRY(stream) link;   /* in the device, all streams */
	TAILQ_ENTRY(stream) turn;  /* in the device, those that have something for the guest */
	struct loop_source source;
	struct device *device;
	int fd;
	enum stream_state state;
	bool queued;	    /* in the queue of turns */
	bool readable;	    /* the socket may have bytes for us */
	bool hung_up;	    /* the host program closed its end */
	bool watches_write; /* the loop tells us when the socket takes bytes again */
	uint8_t to_send;    /* STREAM_SEND_* */
	uint8_t guest_shut; /* VSOCK_SHUTDOWN_* that the guest said */
	uint8_t host_shut;  /* VSOCK_SHUTDOWN_* that our side has to say, or said */
	uint32_t host_port, guest_port;
	uint64_t deadline_ms; /* 0: none */

	/* guest to host */
	uint32_t received;  /* bytes the guest sent */
	uint32_t forwarded; /* bytes the host program's socket took */
	uint32_t told;	    /* the value of @forwarded the guest knows */
	uint32_t window;    /* how far @received may be ahead of @forwarded */
	struct backlog backlog;

	/* host to guest */
	uint32_t sent;
	uint32_t guest_window, guest_forwarded;
	uint32_t batch; /* how many receive buffers the last reads filled */
};

LIST_HEAD(stream_list, stream);
TAILQ_HEAD(stream_turns, stream);

/* Has it something to send to the guest now? */
bool stream_wants_turn(const struct stream *s);

/* How many bytes the guest may be sent. */
uint32_t stream_credit(const struct stream *s);

/* Take note of the credit that every packet of the guest carries. */
void stream_hear_credit(struct stream *s, const struct vsock_packet *p);

/* The header of a packet to the guest, with our credit in it. */
struct vsock_packet stream_packet(const struct stream *s, uint16_t op, uint32_t len);

/* Is it time to tell the guest how much room there is again? */
bool stream_owes_credit(const struct stream *s);
