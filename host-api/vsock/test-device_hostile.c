/* SPDX-License-Identifier: Apache-2.0 */
/* A guest, or a QEMU, that does not keep to the rules. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "vsockdev/vhost_message.h"
#include "vsockfake/fake_guest.h"

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, TX = 1, TABLE = 0x18000 };

static struct fake_guest g;
static uint8_t big[65536];

static int begin(void)
{
	fake_guest_init(&g, -1, FAKE_BUFFERS);
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, 10000, 500, 0);
	(void)fake_guest_expect(&g, VSOCK_OP_RESPONSE, 10000, 500);
	return g.hosts[0];
}

/* After the guest broke its ring: streams gone, device alive, and good again after a restart. */
static void expect_broken_then_recover(int host)
{
	ssize_t n;
	char c;

	fake_guest_turns(&g);
	assert(g.device_rc == 1);
	assert(g.device.backend.rings[TX].queue.broken || g.device.backend.rings[0].queue.broken);
	n = recv(host, &c, 1, MSG_DONTWAIT);
	assert(n == 0 ||
	       (n < 0 && errno == ECONNRESET)); /* the latter when its bytes were unread */
	assert(g.device.n_streams == 0);
	(void)fake_guest_stop(&g, 0);
	(void)fake_guest_stop(&g, TX);
	fake_guest_clear(&g);
	fake_guest_start(&g, 0, 0);
	fake_guest_give(&g, FAKE_BUFFERS);
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, 10000, 600, 0);
	(void)fake_guest_expect(&g, VSOCK_OP_RESPONSE, 10000, 600);
	fake_guest_deinit(&g);
}

/* Offer head @head of the transmit ring, whose descriptors were prepared. */
static void offer(uint16_t head)
{
	fake_guest_offer(&g, TX, head);
	fake_guest_kick(&g, TX);
}

static void desc(uint16_t i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	fake_guest_desc(&g, g.rings[TX].desc, i, addr, len, flags, next);
}

static void test_head_out_of_range(void)
{
	int host = begin();

	offer(FAKE_RING);
	expect_broken_then_recover(host);
}

static void test_next_out_of_range(void)
{
	int host = begin();

	desc(0, FAKE_BASE, 10, NEXT, 0xffff);
	offer(0);
	expect_broken_then_recover(host);
}

static void test_loop_of_descriptors(void)
{
	int host = begin();

	desc(0, FAKE_BASE, 10, NEXT, 1);
	desc(1, FAKE_BASE, 10, NEXT, 0);
	offer(0);
	expect_broken_then_recover(host);
}

static void test_loop_of_empty_descriptors(void)
{
	int host = begin();

	desc(0, FAKE_BASE, 0, NEXT, 0);
	offer(0);
	expect_broken_then_recover(host);
}

static void test_addresses_outside_of_memory(void)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
	} bad[] = {
		{ 0, 44 },
		{ FAKE_BASE - 1, 44 },
		{ FAKE_BASE + FAKE_SIZE - 43, 44 },
		{ UINT64_MAX, 44 },
		{ UINT64_MAX - 43, 44 },
		{ FAKE_BASE, UINT32_MAX },
		{ FAKE_BASE + FAKE_SIZE, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int host = begin();

		desc(0, bad[i].addr, bad[i].len, 0, 0);
		offer(0);
		expect_broken_then_recover(host);
	}
}

static void test_buffer_that_the_device_may_not_read(void)
{
	int host = begin();

	desc(0, FAKE_BASE, 44, WRITE, 0);
	offer(0);
	expect_broken_then_recover(host);
}

/* The next receive buffer is this one, and the host has a byte for the guest. */
static void give_bad_buffer(uint32_t len, uint16_t flags)
{
	struct vsock_packet p;
	int host;

	fake_guest_init(&g, -1, 1);
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, 10000, 500, 0);
	assert(fake_guest_receive(&g, &p, NULL, false) && p.op == VSOCK_OP_RESPONSE);
	host = g.hosts[0];
	fake_guest_desc(&g, g.rings[0].desc, 8, FAKE_BASE + 0x30000, len, flags, 0);
	fake_guest_offer(&g, 0, 8);
	fake_guest_kick(&g, 0);
	assert(send(host, "x", 1, 0) == 1);
	expect_broken_then_recover(host);
}

static void test_receive_buffer_that_the_device_may_not_write(void)
{
	give_bad_buffer(4096, 0);
}

static void test_receive_buffer_without_room(void)
{
	give_bad_buffer(VSOCK_PACKET_HEADER, WRITE);
}

static void test_bad_indirect_tables(void)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, inner_flags;
	} bad[] = {
		{ FAKE_BASE + TABLE, 0, INDIRECT, 0 },
		{ FAKE_BASE + TABLE, 17, INDIRECT, 0 },
		{ FAKE_BASE + TABLE, 16, INDIRECT | NEXT, 0 },
		{ FAKE_BASE + TABLE, 16, INDIRECT, INDIRECT },
		{ FAKE_BASE + TABLE, 16, INDIRECT, NEXT }, /* next is 1, the table ends at 1 */
		{ FAKE_BASE + TABLE + 4, 16, INDIRECT, 0 },
		{ FAKE_BASE + FAKE_SPLIT - 16, 32, INDIRECT, 0 }, /* across regions */
		{ FAKE_BASE + FAKE_SIZE, 16, INDIRECT, 0 },
		{ FAKE_BASE + TABLE, 0xfffffff0, INDIRECT, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int host = begin();

		fake_guest_desc(&g, TABLE, 0, FAKE_BASE, 44, bad[i].inner_flags, 1);
		desc(0, bad[i].addr, bad[i].len, bad[i].flags, 1);
		offer(0);
		expect_broken_then_recover(host);
	}
}

static void test_available_index_that_runs_away(void)
{
	int host = begin();
	uint16_t idx = 5000;

	memcpy(g.memory + g.rings[TX].avail + 2, &idx, 2);
	fake_guest_kick(&g, TX);
	expect_broken_then_recover(host);
}

/* A payload in many pieces, one of them across two regions of memory. */
static void test_scattered_packet_is_fine(void)
{
	struct vsock_packet p = { .src_cid = FAKE_CID,
				  .dst_cid = VSOCK_CID_HOST,
				  .src_port = 500,
				  .dst_port = 10000,
				  .len = 20,
				  .type = VSOCK_TYPE_STREAM,
				  .op = VSOCK_OP_RW,
				  .buf_alloc = 65536 };
	int host = begin();
	char got[32] = "";

	vsock_packet_encode(&p, g.memory + 0x30000);
	memcpy(g.memory + 0x30000 + VSOCK_PACKET_HEADER, "abc", 3);
	memcpy(g.memory + FAKE_SPLIT - 5, "defghijklmnopqrstuvw", 20);
	desc(0, FAKE_BASE + 0x30000, 7, NEXT, 1);
	desc(1, FAKE_BASE + 0x30007, 40, NEXT, 2); /* the rest of the header, and "abc" */
	desc(2, 1, 0, NEXT, 3);			   /* nothing, at no address */
	desc(3, FAKE_BASE + FAKE_SPLIT - 5, 17, 0, 0);
	offer(0);
	fake_guest_turns(&g);
	assert(recv(host, got, sizeof got, MSG_DONTWAIT) == 20);
	assert(strcmp(got, "abcdefghijklmnopqrst") == 0);
	fake_guest_deinit(&g);
}

static void send_bad(struct vsock_packet change, const void *payload)
{
	if (!change.src_cid)
		change.src_cid = FAKE_CID;
	if (!change.dst_cid)
		change.dst_cid = VSOCK_CID_HOST;
	if (!change.type)
		change.type = VSOCK_TYPE_STREAM;
	change.src_port = 500;
	change.dst_port = 10000;
	change.buf_alloc = 65536;
	fake_guest_send(&g, &change, payload);
}

static void test_forbidden_packets_reset_their_stream(void)
{
	static const struct vsock_packet bad[] = {
		{ .op = VSOCK_OP_REQUEST },
		{ .op = VSOCK_OP_RESPONSE },
		{ .op = VSOCK_OP_INVALID },
		{ .op = 99 },
		{ .op = VSOCK_OP_SHUTDOWN },
		{ .op = VSOCK_OP_SHUTDOWN, .flags = 8 },
		{ .op = VSOCK_OP_RW, .len = 1000000 },
		{ .op = VSOCK_OP_RW, .len = UINT32_MAX },
		{ .op = VSOCK_OP_RW, .type = 2 },
		{ .op = VSOCK_OP_CREDIT_UPDATE, .len = 4 },
	};
	size_t i;
	char c;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int host = begin();

		send_bad(bad[i], NULL);
		(void)fake_guest_expect(&g, VSOCK_OP_RST, 10000, 500);
		assert(recv(host, &c, 1, MSG_DONTWAIT) == 0);
		assert(g.device.n_streams == 0 && g.device_rc == 1);
		fake_guest_deinit(&g);
	}
}

static void test_foreign_cids_are_refused_and_harm_nobody(void)
{
	struct vsock_packet p;
	int host = begin();
	char c;

	send_bad((struct vsock_packet){ .op = VSOCK_OP_RST, .src_cid = 43 }, NULL);
	send_bad((struct vsock_packet){ .op = VSOCK_OP_RW, .src_cid = 43, .len = 1 }, "x");
	assert(fake_guest_receive(&g, &p, NULL, true) && p.op == VSOCK_OP_RST);
	send_bad((struct vsock_packet){ .op = VSOCK_OP_RW, .dst_cid = 5, .len = 1 }, "x");
	assert(fake_guest_receive(&g, &p, NULL, true) && p.op == VSOCK_OP_RST && p.src_cid == 5);
	assert(g.device.n_streams == 1);
	fake_guest_send_data(&g, 10000, 500, "x", 1);
	assert(recv(host, &c, 1, MSG_DONTWAIT) == 1);
	fake_guest_deinit(&g);
}

static void test_packets_for_no_stream_get_rst_but_rst_does_not(void)
{
	struct vsock_packet p;

	(void)begin();
	fake_guest_send_data(&g, 10000, 501, "x", 1);
	(void)fake_guest_expect(&g, VSOCK_OP_RST, 10000, 501);
	fake_guest_send_op(&g, VSOCK_OP_SHUTDOWN, 10000, 501, VSOCK_SHUTDOWN_BOTH);
	(void)fake_guest_expect(&g, VSOCK_OP_RST, 10000, 501);
	fake_guest_send_op(&g, VSOCK_OP_RST, 10000, 501, 0);
	assert(!fake_guest_receive(&g, &p, NULL, true));
	fake_guest_deinit(&g);
}

static void test_short_packet_is_refused(void)
{
	int host = begin();
	char c;

	desc(0, FAKE_BASE + 0x30000, VSOCK_PACKET_HEADER - 1, 0, 0);
	offer(0);
	fake_guest_turns(&g);
	assert(g.device_rc == 1 && g.device.n_streams == 1);
	assert(recv(host, &c, 1, MSG_DONTWAIT) < 0);
	fake_guest_deinit(&g);
}

/* A guest that provokes refusals and takes none stops only itself. */
static void test_flood_without_receive_buffers_is_bounded(void)
{
	struct vsock_packet p;
	int i;

	fake_guest_init(&g, -1, 0);
	for (i = 0; i < DEVICE_RSTS + FAKE_BUFFERS - 1; i++)
		fake_guest_send_op(&g, VSOCK_OP_RW, 10000, 1000 + (uint32_t)i, 0);
	assert(g.device.n_rsts == DEVICE_RSTS);
	assert(!g.device.busy); /* and it does not spin */
	for (i = 0; i < DEVICE_RSTS + FAKE_BUFFERS - 1; i++) {
		fake_guest_give(&g, 1);
		assert(fake_guest_receive(&g, &p, NULL, false) && p.op == VSOCK_OP_RST);
		assert(p.dst_port == 1000 + (uint32_t)i);
	}
	assert(g.device.n_rsts == 0);
	fake_guest_deinit(&g);
}

static void test_zero_window_guest_is_sent_nothing(void)
{
	struct vsock_packet p = { .src_cid = FAKE_CID,
				  .dst_cid = VSOCK_CID_HOST,
				  .src_port = 500,
				  .dst_port = 10000,
				  .type = VSOCK_TYPE_STREAM,
				  .op = VSOCK_OP_REQUEST };

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	fake_guest_send(&g, &p, NULL);
	(void)fake_guest_expect(&g, VSOCK_OP_RESPONSE, 10000, 500);
	assert(send(g.hosts[0], big, 1000, 0) == 1000);
	assert(!fake_guest_receive(&g, &p, NULL, true));
	assert(!g.device.busy);
	fake_guest_deinit(&g);
}

/* Each of these must end the process with a message, never more. */
static void test_bad_qemu_messages_end_the_device(void)
{
	static const struct {
		uint32_t request;
		uint32_t size;
		uint64_t payload[5];
	} bad[] = {
		{ 0, 0, { 0 } },
		{ 7, 8, { 0 } },
		{ 200, 0, { 0 } },
		{ UINT32_MAX, 0, { 0 } },
		{ VHOST_GET_FEATURES, 8, { 0 } },
		{ VHOST_SET_FEATURES, 0, { 0 } },
		{ VHOST_SET_FEATURES, 8, { (uint64_t)1 << 34 } },
		{ VHOST_SET_PROTOCOL_FEATURES, 8, { (uint64_t)1 << 60 } },
		{ VHOST_SET_VRING_NUM, 8, { 3 } },
		{ VHOST_SET_VRING_NUM, 8, { (uint64_t)128 << 32 | 0 } }, /* it runs */
		{ VHOST_SET_VRING_NUM, 8, { (uint64_t)100 << 32 | 2 } },
		{ VHOST_SET_VRING_NUM, 8, { (uint64_t)65536 << 32 | 2 } },
		{ VHOST_SET_VRING_BASE, 8, { (uint64_t)65536 << 32 | 2 } },
		{ VHOST_SET_VRING_ADDR, 40, { 0 } }, /* it runs */
		{ VHOST_SET_VRING_ADDR, 40, { 77 } },
		{ VHOST_SET_VRING_KICK, 8, { 0 } },	/* no descriptor came */
		{ VHOST_SET_VRING_KICK, 8, { 0x100 } }, /* polling */
		{ VHOST_SET_VRING_CALL, 8, { 0x200 } },
		{ VHOST_SET_MEM_TABLE, 8, { 0 } },
		{ VHOST_SET_MEM_TABLE, 40, { 1 } }, /* no descriptor came */
		{ VHOST_SET_MEM_TABLE, 40, { 9 } },
		{ VHOST_GET_CONFIG, 12, { (uint64_t)8 << 32 } }, /* says 8, brings none */
		{ VHOST_SET_CONFIG, 12, { 0 } },
	};
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		fake_guest_init(&g, -1, FAKE_BUFFERS);
		fake_guest_tell(&g, bad[i].request, bad[i].payload, bad[i].size, NULL, 0);
		assert(g.device_rc < 0);
		fake_guest_deinit(&g);
	}
}

static void test_config_is_the_cid_and_nothing_beyond(void)
{
	uint32_t ask[5] = { 0, 8, 0, 0, 0 }, answer[5];
	uint64_t cid;

	fake_guest_init(&g, -1, 0);
	fake_guest_tell(&g, VHOST_GET_CONFIG, ask, sizeof ask, NULL, 0);
	assert(fake_guest_hear(&g, VHOST_GET_CONFIG, answer, sizeof answer) == sizeof answer);
	memcpy(&cid, answer + 3, 8);
	assert(answer[0] == 0 && answer[1] == 8 && cid == FAKE_CID);
	ask[0] = 4;
	fake_guest_tell(&g, VHOST_GET_CONFIG, ask, sizeof ask, NULL, 0);
	assert(fake_guest_hear(&g, VHOST_GET_CONFIG, answer, sizeof answer) == 0);
	fake_guest_deinit(&g);
}

static void test_rings_outside_of_memory_end_the_device(void)
{
	fake_guest_connect(&g, -1);
	fake_guest_tell(&g, VHOST_SET_FEATURES, &(uint64_t){ 0 }, 8, NULL, 0);
	{
		uint64_t table[5] = { 1, 0, 0x100000, 0, 0 }; /* user addresses begin at 0 */
		struct vhost_ring_addr a = { .index = 0, .desc = 0xfffff0, .avail = 0, .used = 0 };
		uint32_t num[2] = { 0, 128 };
		uint64_t ring = 0;

		fake_guest_tell(&g, VHOST_SET_MEM_TABLE, table, sizeof table, &g.memfd, 1);
		assert(g.device_rc == 1);
		fake_guest_tell(&g, VHOST_SET_VRING_NUM, num, sizeof num, NULL, 0);
		fake_guest_tell(&g, VHOST_SET_VRING_ADDR, &a, sizeof a, NULL, 0);
		assert(g.device_rc == 1);
		fake_guest_tell(&g, VHOST_SET_VRING_KICK, &ring, 8, &g.rings[0].kick, 1);
		assert(g.device_rc < 0);
	}
	fake_guest_deinit(&g);
}

int main(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	assert(sigaction(SIGPIPE, &ignore, NULL) == 0);
	test_head_out_of_range();
	test_next_out_of_range();
	test_loop_of_descriptors();
	test_loop_of_empty_descriptors();
	test_addresses_outside_of_memory();
	test_buffer_that_the_device_may_not_read();
	test_receive_buffer_that_the_device_may_not_write();
	test_receive_buffer_without_room();
	test_bad_indirect_tables();
	test_available_index_that_runs_away();
	test_scattered_packet_is_fine();
	test_forbidden_packets_reset_their_stream();
	test_foreign_cids_are_refused_and_harm_nobody();
	test_packets_for_no_stream_get_rst_but_rst_does_not();
	test_short_packet_is_refused();
	test_flood_without_receive_buffers_is_bounded();
	test_zero_window_guest_is_sent_nothing();
	test_bad_qemu_messages_end_the_device();
	test_config_is_the_cid_and_nothing_beyond();
	test_rings_outside_of_memory_end_the_device();
	return 0;
}
