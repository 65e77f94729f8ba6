/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-vsock-packet: any 44 bytes are a header that encodes back to themselves,
 * and whatever passes the check keeps its promises
 *
 * Input    44 bytes of header, then 8 bytes guest CID, then 4 bytes of room.
 */
#undef NDEBUG
#include "wire/vsock_packet.h"

#include <assert.h>
#include <string.h>

#include "base/rd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_over(data, n);
	uint8_t header[VSOCK_PACKET_HEADER], again[VSOCK_PACKET_HEADER];
	struct vsock_packet p;
	uint64_t cid;
	uint32_t room;

	if (!rd_copy(&r, header, sizeof header))
		return 0;
	cid = rd_le64(&r);
	room = rd_le32(&r);
	p = vsock_packet_decode(header);
	vsock_packet_encode(&p, again);
	assert(memcmp(header, again, sizeof header) == 0);
	assert(vsock_op_name(p.op));
	if (vsock_packet_check(&p, cid, room) == VSOCK_OK) {
		assert(p.len <= room && p.len <= VSOCK_PACKET_PAYLOAD_MAX);
		assert(p.src_cid == cid && p.dst_cid == VSOCK_CID_HOST);
		assert(p.op > VSOCK_OP_INVALID && p.op < VSOCK_OP_COUNT);
		assert(p.op == VSOCK_OP_RW || p.len == 0);
	}
	assert(vsock_credit(p.buf_alloc, p.fwd_cnt, room) <= p.buf_alloc);
	return 0;
}
