/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock_packet: the header in front of every packet of a virtio socket device
 *
 * Wire     44 bytes, little endian (virtio 1.2, section 5.10.6).
 * Trusts   nothing: decode on a private copy, because the guest can change its
 *          memory between two reads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VSOCK_PACKET_HEADER = 44,
	VSOCK_PACKET_PAYLOAD_MAX = 1 << 20, /* drivers send 64 KiB; more than this is an attack */
	VSOCK_CID_HOST = 2,
	VSOCK_TYPE_STREAM = 1,
	VSOCK_SHUTDOWN_RECEIVE = 1, /* the sender will receive no more */
	VSOCK_SHUTDOWN_SEND = 2,    /* the sender will send no more */
	VSOCK_SHUTDOWN_BOTH = 3,
};

enum vsock_op {
	VSOCK_OP_INVALID,
	VSOCK_OP_REQUEST,
	VSOCK_OP_RESPONSE,
	VSOCK_OP_RST,
	VSOCK_OP_SHUTDOWN,
	VSOCK_OP_RW,
	VSOCK_OP_CREDIT_UPDATE,
	VSOCK_OP_CREDIT_REQUEST,
	VSOCK_OP_COUNT,
};

struct vsock_packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len; /* payload bytes after the header */
	uint16_t type;
	uint16_t op; /* enum vsock_op, once vsock_packet_check() was content */
	uint32_t flags;
	uint32_t buf_alloc; /* how much the sender can hold for this stream */
	uint32_t fwd_cnt;   /* how much it has taken out so far, modulo 2^32 */
};

enum vsock_verdict {
	VSOCK_OK,
	VSOCK_BAD_LENGTH, /* no such payload behind the header, or too much of it */
	VSOCK_BAD_SOURCE, /* not the CID of this guest */
	VSOCK_BAD_TARGET, /* not the host */
	VSOCK_BAD_TYPE,	  /* not a stream */
	VSOCK_BAD_OP,
	VSOCK_BAD_FLAGS, /* a shutdown of nothing, or of more than there is */
	VSOCK_VERDICT_COUNT,
};

/* Read the header; every 44 bytes are some header. */
struct vsock_packet vsock_packet_decode(const uint8_t from[static VSOCK_PACKET_HEADER]);

void vsock_packet_encode(const struct vsock_packet *p, uint8_t to[static VSOCK_PACKET_HEADER]);

/**
 * vsock_packet_check() - may a guest send this packet?
 * @guest_cid: the CID that the guest was given
 * @room: how many bytes follow the header in the descriptor chain
 *
 * Judges the packet alone, not whether it fits the state of its stream.
 */
enum vsock_verdict vsock_packet_check(const struct vsock_packet *p, uint64_t guest_cid,
				      size_t room);

/* For log lines.  Static. */
const char *vsock_verdict_name(enum vsock_verdict v);
const char *vsock_op_name(uint16_t op);

/**
 * vsock_credit() - how many bytes may still be sent to a peer
 * @buf_alloc: what it said it can hold
 * @fwd_cnt: what it said it has taken out
 * @sent: what we sent so far, modulo 2^32
 *
 * Return: 0 also where the peer's numbers make no sense (it took out more than was
 * sent, or shrank its buffer below what is under way): a negative credit must never
 * become a huge one.
 */
uint32_t vsock_credit(uint32_t buf_alloc, uint32_t fwd_cnt, uint32_t sent);
