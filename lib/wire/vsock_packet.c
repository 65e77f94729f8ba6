/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/vsock_packet.h"

#include "base/rd.h"

static void put(uint8_t **at, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		*(*at)++ = (uint8_t)(v >> (8 * i));
}

struct vsock_packet vsock_packet_decode(const uint8_t from[static VSOCK_PACKET_HEADER])
{
	struct rd r = rd_over(from, VSOCK_PACKET_HEADER);
	struct vsock_packet p = { .src_cid = rd_le64(&r) };

	p.dst_cid = rd_le64(&r);
	p.src_port = rd_le32(&r);
	p.dst_port = rd_le32(&r);
	p.len = rd_le32(&r);
	p.type = rd_le16(&r);
	p.op = rd_le16(&r);
	p.flags = rd_le32(&r);
	p.buf_alloc = rd_le32(&r);
	p.fwd_cnt = rd_le32(&r);
	return p;
}

void vsock_packet_encode(const struct vsock_packet *p, uint8_t to[static VSOCK_PACKET_HEADER])
{
	uint8_t *at = to;

	put(&at, p->src_cid, 8);
	put(&at, p->dst_cid, 8);
	put(&at, p->src_port, 4);
	put(&at, p->dst_port, 4);
	put(&at, p->len, 4);
	put(&at, p->type, 2);
	put(&at, p->op, 2);
	put(&at, p->flags, 4);
	put(&at, p->buf_alloc, 4);
	put(&at, p->fwd_cnt, 4);
}

enum vsock_verdict vsock_packet_check(const struct vsock_packet *p, uint64_t guest_cid, size_t room)
{
	if (p->len > room || p->len > VSOCK_PACKET_PAYLOAD_MAX)
		return VSOCK_BAD_LENGTH;
	if (p->src_cid != guest_cid)
		return VSOCK_BAD_SOURCE;
	if (p->dst_cid != VSOCK_CID_HOST)
		return VSOCK_BAD_TARGET;
	if (p->type != VSOCK_TYPE_STREAM)
		return VSOCK_BAD_TYPE;
	if (p->op == VSOCK_OP_INVALID || p->op >= VSOCK_OP_COUNT)
		return VSOCK_BAD_OP;
	if (p->op != VSOCK_OP_RW && p->len != 0)
		return VSOCK_BAD_LENGTH;
	if (p->op == VSOCK_OP_SHUTDOWN && (p->flags & ~(uint32_t)VSOCK_SHUTDOWN_BOTH))
		return VSOCK_BAD_FLAGS;
	if (p->op == VSOCK_OP_SHUTDOWN && p->flags == 0)
		return VSOCK_BAD_FLAGS;
	return VSOCK_OK;
}

const char *vsock_verdict_name(enum vsock_verdict v)
{
	static const char *const names[VSOCK_VERDICT_COUNT] = {
		[VSOCK_OK] = "fine",
		[VSOCK_BAD_LENGTH] = "payload length that its buffer does not hold",
		[VSOCK_BAD_SOURCE] = "source CID of another",
		[VSOCK_BAD_TARGET] = "destination CID that is not the host",
		[VSOCK_BAD_TYPE] = "type that is not a stream",
		[VSOCK_BAD_OP] = "unknown operation",
		[VSOCK_BAD_FLAGS] = "shutdown flags without meaning",
	};

	return (unsigned int)v < VSOCK_VERDICT_COUNT ? names[v] : "?";
}

const char *vsock_op_name(uint16_t op)
{
	static const char *const names[VSOCK_OP_COUNT] = {
		[VSOCK_OP_INVALID] = "INVALID",
		[VSOCK_OP_REQUEST] = "REQUEST",
		[VSOCK_OP_RESPONSE] = "RESPONSE",
		[VSOCK_OP_RST] = "RST",
		[VSOCK_OP_SHUTDOWN] = "SHUTDOWN",
		[VSOCK_OP_RW] = "RW",
		[VSOCK_OP_CREDIT_UPDATE] = "CREDIT_UPDATE",
		[VSOCK_OP_CREDIT_REQUEST] = "CREDIT_REQUEST",
	};

	return op < VSOCK_OP_COUNT ? names[op] : "unknown";
}

uint32_t vsock_credit(uint32_t buf_alloc, uint32_t fwd_cnt, uint32_t sent)
{
	uint32_t under_way = sent - fwd_cnt;

	return under_way < buf_alloc ? buf_alloc - under_way : 0;
}
