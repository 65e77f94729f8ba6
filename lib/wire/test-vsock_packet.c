/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/vsock_packet.h"

#include <assert.h>
#include <string.h>

static const struct vsock_packet sample = {
	.src_cid = 0x1122334455667788,
	.dst_cid = VSOCK_CID_HOST,
	.src_port = 0xa1b2c3d4,
	.dst_port = 10000,
	.len = 5,
	.type = VSOCK_TYPE_STREAM,
	.op = VSOCK_OP_RW,
	.flags = 0,
	.buf_alloc = 0x00040000,
	.fwd_cnt = 0xfffffffe,
};

/* The layout of virtio 1.2 section 5.10.6, written down by hand. */
static const uint8_t sample_bytes[VSOCK_PACKET_HEADER] = {
	0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* src_cid */
	0x02, 0,    0,	  0,	0,    0,    0,	  0,	/* dst_cid */
	0xd4, 0xc3, 0xb2, 0xa1,				/* src_port */
	0x10, 0x27, 0,	  0,				/* dst_port */
	0x05, 0,    0,	  0,				/* len */
	0x01, 0,					/* type */
	0x05, 0,					/* op */
	0,    0,    0,	  0,				/* flags */
	0,    0,    0x04, 0,				/* buf_alloc */
	0xfe, 0xff, 0xff, 0xff,				/* fwd_cnt */
};

static enum vsock_verdict check(struct vsock_packet p, size_t room)
{
	return vsock_packet_check(&p, sample.src_cid, room);
}

static void test_layout_is_that_of_the_standard(void)
{
	uint8_t out[VSOCK_PACKET_HEADER];
	struct vsock_packet p = vsock_packet_decode(sample_bytes);

	vsock_packet_encode(&sample, out);
	assert(memcmp(out, sample_bytes, sizeof out) == 0);
	assert(p.src_cid == sample.src_cid && p.dst_cid == sample.dst_cid);
	assert(p.src_port == sample.src_port && p.dst_port == sample.dst_port);
	assert(p.len == 5 && p.type == 1 && p.op == VSOCK_OP_RW && p.flags == 0);
	assert(p.buf_alloc == sample.buf_alloc && p.fwd_cnt == sample.fwd_cnt);
}

static void test_each_lie_has_its_verdict(void)
{
	struct vsock_packet p;

	assert(check(sample, 5) == VSOCK_OK);
	assert(check(sample, 4) == VSOCK_BAD_LENGTH);
	p = sample;
	p.len = VSOCK_PACKET_PAYLOAD_MAX + 1;
	assert(check(p, SIZE_MAX) == VSOCK_BAD_LENGTH);
	p = sample;
	p.op = VSOCK_OP_REQUEST;
	assert(check(p, 5) == VSOCK_BAD_LENGTH);
	p = sample;
	p.src_cid++;
	assert(check(p, 5) == VSOCK_BAD_SOURCE);
	p = sample;
	p.dst_cid |= (uint64_t)1 << 32;
	assert(check(p, 5) == VSOCK_BAD_TARGET);
	p = sample;
	p.type = 2;
	assert(check(p, 5) == VSOCK_BAD_TYPE);
	p = sample;
	p.op = VSOCK_OP_INVALID;
	assert(check(p, 5) == VSOCK_BAD_OP);
	p.op = VSOCK_OP_COUNT;
	assert(check(p, 5) == VSOCK_BAD_OP);
}

static void test_shutdown_names_a_direction(void)
{
	struct vsock_packet p = sample;

	p.op = VSOCK_OP_SHUTDOWN;
	p.len = 0;
	assert(check(p, 0) == VSOCK_BAD_FLAGS);
	p.flags = VSOCK_SHUTDOWN_BOTH;
	assert(check(p, 0) == VSOCK_OK);
	p.flags = 4;
	assert(check(p, 0) == VSOCK_BAD_FLAGS);
}

static void test_credit_survives_wrap_and_lies(void)
{
	assert(vsock_credit(1000, 0, 0) == 1000);
	assert(vsock_credit(1000, 0, 400) == 600);
	assert(vsock_credit(1000, 0xfffffff0, 16) == 1000 - 32);
	assert(vsock_credit(1000, 0, 1000) == 0);
	assert(vsock_credit(100, 0, 1000) == 0);     /* buffer shrunk under us */
	assert(vsock_credit(1000, 500, 400) == 0);   /* took out more than was sent */
	assert(vsock_credit(UINT32_MAX, 1, 0) == 0); /* the same, by one */
	assert(vsock_credit(UINT32_MAX, 0, 1) == UINT32_MAX - 1);
}

static void test_names_are_total(void)
{
	uint32_t i;

	for (i = 0; i <= VSOCK_VERDICT_COUNT; i++)
		assert(vsock_verdict_name((enum vsock_verdict)i));
	for (i = 0; i <= UINT16_MAX; i++)
		assert(vsock_op_name((uint16_t)i));
}

int main(void)
{
	test_layout_is_that_of_the_standard();
	test_each_lie_has_its_verdict();
	test_shutdown_names_a_direction();
	test_credit_survives_wrap_and_lies();
	test_names_are_total();
	return 0;
}
