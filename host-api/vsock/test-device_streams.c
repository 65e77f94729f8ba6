/* SPDX-License-Identifier: Apache-2.0 */
/* What guests and host programs may expect of a stream. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "vsockdev/host_socket.h"
#include "vsockfake/fake_guest.h"

static struct fake_guest g;
static uint8_t big[512 * 1024], got[512 * 1024];

static void fill(void)
{
	size_t i;

	for (i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 31 + (i >> 8));
}

/* A stream from guest port 500 to host port 10000.  Return: the host program's end. */
static int open_stream(uint32_t host_port, uint32_t guest_port)
{
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, host_port, guest_port, 0);
	(void)fake_guest_expect(&g, VSOCK_OP_RESPONSE, host_port, guest_port);
	return g.hosts[g.n_hosts - 1];
}

static void expect_rst_after_credit(void)
{
	struct vsock_packet p = { .op = VSOCK_OP_CREDIT_UPDATE };

	while (p.op == VSOCK_OP_CREDIT_UPDATE)
		assert(fake_guest_receive(&g, &p, NULL, true));
	assert(p.op == VSOCK_OP_RST);
}

static void credit(uint32_t window, uint32_t forwarded)
{
	struct vsock_packet p = { .src_cid = FAKE_CID,
				  .dst_cid = VSOCK_CID_HOST,
				  .src_port = 500,
				  .dst_port = 10000,
				  .type = VSOCK_TYPE_STREAM,
				  .op = VSOCK_OP_CREDIT_UPDATE,
				  .buf_alloc = window,
				  .fwd_cnt = forwarded };

	fake_guest_send(&g, &p, NULL);
}

/* All data the guest can get now.  Return: bytes; other packets are counted in *ret_others. */
static size_t receive_data(uint8_t *to, size_t size, size_t *ret_others)
{
	struct vsock_packet p;
	uint8_t chunk[FAKE_RX_PAYLOAD];
	size_t n = 0;

	while (fake_guest_receive(&g, &p, chunk, true)) {
		if (p.op != VSOCK_OP_RW) {
			(*ret_others)++;
			continue;
		}
		assert(n + p.len <= size);
		memcpy(to + n, chunk, p.len);
		n += p.len;
	}
	return n;
}

static void test_guest_connects_and_bytes_flow_both_ways(void)
{
	char text[16] = "";
	size_t others = 0;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	assert(g.ports[0] == 10000);
	fake_guest_send_data(&g, 10000, 500, "hello", 5);
	assert(recv(host, text, sizeof text, 0) == 5 && memcmp(text, "hello", 5) == 0);
	assert(send(host, "there", 5, 0) == 5);
	assert(receive_data(got, sizeof got, &others) == 5 && memcmp(got, "there", 5) == 0);
	assert(others == 0);
	fake_guest_deinit(&g);
}

static void test_indirect_descriptors_work_too(void)
{
	char text[16] = "";
	size_t others = 0;
	int host;

	fake_guest_init(&g, -1, 0);
	g.indirect = true;
	fake_guest_give(&g, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	fake_guest_send_data(&g, 10000, 500, "hello", 5);
	assert(recv(host, text, sizeof text, 0) == 5);
	assert(send(host, big, 9000, 0) == 9000);
	assert(receive_data(got, sizeof got, &others) == 9000 && memcmp(got, big, 9000) == 0);
	fake_guest_deinit(&g);
}

static void test_refused_port_gets_rst(void)
{
	fake_guest_init(&g, -1, FAKE_BUFFERS);
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, 1, 500, 0);
	(void)fake_guest_expect(&g, VSOCK_OP_RST, 1, 500);
	assert(g.device.n_streams == 0);
	fake_guest_deinit(&g);
}

static void test_guest_credit_bounds_what_it_is_sent(void)
{
	size_t others = 0;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	credit(1000, 0);
	assert(send(host, big, 5000, 0) == 5000);
	assert(receive_data(got, sizeof got, &others) == 1000);
	assert(receive_data(got, sizeof got, &others) == 0);
	credit(1000, 700);
	assert(receive_data(got, sizeof got, &others) == 700);
	credit(1000, 5000); /* took out what it never got: no credit, not a huge one */
	assert(receive_data(got, sizeof got, &others) == 0);
	credit(100000, 1700);
	assert(receive_data(got, sizeof got, &others) == 3300 &&
	       memcmp(got, big + 1700, 3300) == 0);
	fake_guest_deinit(&g);
}

static void test_unread_bytes_wait_in_order_and_give_credit_back(void)
{
	size_t sent = 0, n = 0, others = 0;
	ssize_t rc;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	/* more than a socket takes, and all that the window allows */
	while (sent < STREAM_WINDOW_BUSY) {
		fake_guest_send_data(&g, 10000, 500, big + sent, 32768);
		sent += 32768;
	}
	assert(LIST_FIRST(&g.device.all)->backlog.n > 0);
	while ((rc = recv(host, got + n, sizeof got - n, MSG_DONTWAIT)) > 0) {
		n += (size_t)rc;
		fake_guest_turns(&g);
	}
	assert(n == sent && memcmp(got, big, n) == 0);
	(void)receive_data(got, sizeof got, &others);
	assert(others > 0); /* credit updates */
	fake_guest_deinit(&g);
}

static void test_more_than_the_window_is_reset(void)
{
	struct stream *s;
	size_t i;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	(void)open_stream(10000, 500);
	s = LIST_FIRST(&g.device.all);
	for (i = 0; i < 64 && s->received - s->forwarded + 65536 <= s->window; i++)
		fake_guest_send_data(&g, 10000, 500, big, 65536);
	assert(s->state == STREAM_OPEN);
	fake_guest_send_data(&g, 10000, 500, big, 65536);
	expect_rst_after_credit();
	assert(g.device.n_streams == 0);
	fake_guest_deinit(&g);
}

static void test_guest_half_close_lets_answers_through(void)
{
	char text[16] = "";
	size_t others = 0;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	fake_guest_send_data(&g, 10000, 500, "ask", 3);
	fake_guest_send_op(&g, VSOCK_OP_SHUTDOWN, 10000, 500, VSOCK_SHUTDOWN_SEND);
	assert(recv(host, text, sizeof text, 0) == 3);
	assert(recv(host, text, sizeof text, 0) == 0);
	assert(send(host, "answer", 6, 0) == 6);
	assert(receive_data(got, sizeof got, &others) == 6 && others == 0);
	fake_guest_send_data(&g, 10000, 500, "x", 1); /* it said it would not */
	(void)fake_guest_expect(&g, VSOCK_OP_RST, 10000, 500);
	fake_guest_deinit(&g);
}

static void test_host_half_close_reaches_guest_after_the_bytes(void)
{
	struct vsock_packet p;
	char text[16] = "";
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	assert(send(host, "last", 4, 0) == 4 && shutdown(host, SHUT_WR) == 0);
	p = fake_guest_expect(&g, VSOCK_OP_RW, 10000, 500);
	assert(p.len == 4);
	p = fake_guest_expect(&g, VSOCK_OP_SHUTDOWN, 10000, 500);
	assert(p.flags == VSOCK_SHUTDOWN_SEND);
	fake_guest_send_data(&g, 10000, 500, "still", 5);
	assert(recv(host, text, sizeof text, 0) == 5);
	fake_guest_deinit(&g);
}

static void test_host_close_tells_both_directions(void)
{
	struct vsock_packet p;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	g.hosts[0] = fd_close(open_stream(10000, 500));
	p = fake_guest_expect(&g, VSOCK_OP_SHUTDOWN, 10000, 500);
	assert(p.flags == VSOCK_SHUTDOWN_BOTH);
	fake_guest_send_op(&g, VSOCK_OP_RST, 10000, 500, 0);
	assert(g.device.n_streams == 0);
	fake_guest_deinit(&g);
}

static void test_close_of_both_directions_is_confirmed_and_drained(void)
{
	size_t n = 0, sent = 0;
	ssize_t rc;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	while (sent < STREAM_WINDOW_BUSY) {
		fake_guest_send_data(&g, 10000, 500, big + sent, 65536);
		sent += 65536;
	}
	fake_guest_send_op(&g, VSOCK_OP_SHUTDOWN, 10000, 500, VSOCK_SHUTDOWN_BOTH);
	expect_rst_after_credit();
	/* the ports are free again while the old bytes are still on their way */
	(void)open_stream(10000, 500);
	while ((rc = recv(host, got + n, sizeof got - n, MSG_DONTWAIT)) > 0) {
		n += (size_t)rc;
		fake_guest_turns(&g);
	}
	assert(rc == 0 && n == sent && memcmp(got, big, n) == 0);
	assert(g.device.n_streams == 1);
	fake_guest_deinit(&g);
}

static void test_credit_request_is_answered(void)
{
	struct vsock_packet p;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	(void)open_stream(10000, 500);
	fake_guest_send_data(&g, 10000, 500, "hello", 5);
	fake_guest_send_op(&g, VSOCK_OP_CREDIT_REQUEST, 10000, 500, 0);
	p = fake_guest_expect(&g, VSOCK_OP_CREDIT_UPDATE, 10000, 500);
	assert(p.fwd_cnt == 5 && p.buf_alloc == STREAM_WINDOW_BUSY);
	fake_guest_deinit(&g);
}

/* Linux sends no more than its own buffer holds: it must hear of credit before that is used up. */
static void test_guest_with_a_small_buffer_hears_of_credit_early(void)
{
	struct vsock_packet p;
	char text[4096];
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	credit(4096, 0);
	p = (struct vsock_packet){ .src_cid = FAKE_CID,
				   .dst_cid = VSOCK_CID_HOST,
				   .src_port = 500,
				   .dst_port = 10000,
				   .len = 4096,
				   .type = VSOCK_TYPE_STREAM,
				   .op = VSOCK_OP_RW,
				   .buf_alloc = 4096 };
	fake_guest_send(&g, &p, big);
	assert(recv(host, text, sizeof text, 0) == 4096);
	p = fake_guest_expect(&g, VSOCK_OP_CREDIT_UPDATE, 10000, 500);
	assert(p.fwd_cnt == 4096);
	fake_guest_deinit(&g);
}

static void test_a_thousand_streams_and_no_more(void)
{
	uint32_t i;
	char c = 0;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	for (i = 0; i < DEVICE_STREAMS; i++)
		(void)open_stream(10000, 1000 + i);
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, 10000, 999, 0);
	(void)fake_guest_expect(&g, VSOCK_OP_RST, 10000, 999);
	for (i = 0; i < DEVICE_STREAMS; i++) {
		char id = (char)i;

		fake_guest_send_data(&g, 10000, 1000 + i, &id, 1);
		assert(recv(g.hosts[i], &c, 1, MSG_DONTWAIT) == 1 && c == id);
	}
	fake_guest_send_op(&g, VSOCK_OP_RST, 10000, 1000, 0);
	(void)open_stream(10000, 999);
	/* windows: many small ones, and only as many large ones as the budget has */
	assert(g.device.window_budget < STREAM_WINDOW_BUSY);
	fake_guest_deinit(&g);
}

static void test_streams_share_receive_buffers_fairly(void)
{
	uint64_t count[2] = { 0, 0 };
	struct vsock_packet p;
	int a, b, i;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	a = open_stream(10000, 500);
	b = open_stream(10000, 501);
	/* both want more than the guest has buffers for: nobody starves */
	for (i = 0; i < 40; i++) {
		(void)send(a, big, 4096, MSG_DONTWAIT);
		(void)send(b, big, 4096, MSG_DONTWAIT);
	}
	for (i = 0; i < 40; i++) {
		assert(fake_guest_receive(&g, &p, NULL, true));
		count[p.dst_port - 500]++;
	}
	assert(count[0] > 4 && count[1] > 4);
	fake_guest_deinit(&g);
}

static void test_nothing_is_lost_while_the_guest_gives_no_buffers(void)
{
	struct vsock_packet p;
	uint8_t chunk[FAKE_RX_PAYLOAD];
	size_t n = 0;
	int host;

	fake_guest_init(&g, -1, 1);
	fake_guest_send_op(&g, VSOCK_OP_REQUEST, 10000, 500, 0);
	host = g.hosts[0];
	assert(send(host, big, 20000, MSG_DONTWAIT) == 20000);
	assert(fake_guest_receive(&g, &p, NULL, false) && p.op == VSOCK_OP_RESPONSE);
	assert(!fake_guest_receive(&g, &p, NULL, false));
	while (n < 20000) {
		fake_guest_give(&g, 1);
		assert(fake_guest_receive(&g, &p, chunk, false) && p.op == VSOCK_OP_RW);
		assert(memcmp(chunk, big + n, p.len) == 0);
		n += p.len;
	}
	fake_guest_deinit(&g);
}

static int dial(const char *path, const char *line)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	assert(connect(fd, (const struct sockaddr *)&a, sizeof a) == 0);
	assert(send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line));
	fake_guest_turns(&g);
	return fd;
}

static void test_host_program_connects_to_the_guest(void)
{
	char dir[] = "/tmp/vsock-test-XXXXXX", path[64], text[32] = "", want[32];
	struct vsock_packet p;
	struct err e = ERR_NONE;
	int fd;

	assert(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/uds", dir);
	fake_guest_init(&g, host_socket_listen(path, &e), FAKE_BUFFERS);

	fd = dial(path, "CONNECT 99\nand more");
	assert(fake_guest_receive(&g, &p, NULL, true) && p.op == VSOCK_OP_REQUEST);
	assert(p.dst_port == 99 && p.src_port >= DEVICE_HOST_PORT_FIRST);
	fake_guest_send_op(&g, VSOCK_OP_RESPONSE, p.src_port, 99, 0);
	(void)snprintf(want, sizeof want, "OK %u\n", p.src_port);
	assert(recv(fd, text, sizeof text, 0) == (ssize_t)strlen(want) && strcmp(text, want) == 0);
	assert(fake_guest_expect(&g, VSOCK_OP_RW, p.src_port, 99).len == 8);
	fake_guest_send_data(&g, p.src_port, 99, "yes", 3);
	assert(recv(fd, text, sizeof text, 0) == 3);
	(void)fd_close(fd);
	(void)fake_guest_expect(&g, VSOCK_OP_SHUTDOWN, p.src_port, 99);

	/* refused by the guest */
	fd = dial(path, "CONNECT 98\n");
	assert(fake_guest_receive(&g, &p, NULL, true) && p.op == VSOCK_OP_REQUEST);
	fake_guest_send_op(&g, VSOCK_OP_RST, p.src_port, 98, 0);
	assert(recv(fd, text, sizeof text, 0) == 0);
	(void)fd_close(fd);

	/* the program gives up before the guest answers */
	(void)fd_close(dial(path, "CONNECT 97\n"));
	assert(fake_guest_receive(&g, &p, NULL, true) && p.op == VSOCK_OP_REQUEST);
	(void)fake_guest_expect(&g, VSOCK_OP_RST, p.src_port, 97);

	/* what is not the line is not answered */
	fd = dial(path, "GET / HTTP/1.1\r\n");
	assert(recv(fd, text, sizeof text, 0) <= 0);
	(void)fd_close(fd);
	fake_guest_deinit(&g);
	assert(unlink(path) == 0 && rmdir(dir) == 0);
}

static void test_a_guest_that_boots_anew_loses_its_streams(void)
{
	char c;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	(void)fake_guest_stop(&g, 0);
	(void)fake_guest_stop(&g, 1);
	fake_guest_clear(&g);
	fake_guest_start(&g, 0, 0);
	fake_guest_give(&g, FAKE_BUFFERS);
	assert(recv(host, &c, 1, MSG_DONTWAIT) == 0);
	assert(g.device.n_streams == 0);
	host = open_stream(10000, 500);
	fake_guest_send_data(&g, 10000, 500, "x", 1);
	assert(recv(host, &c, 1, MSG_DONTWAIT) == 1);
	fake_guest_deinit(&g);
}

static void test_a_pause_loses_nothing(void)
{
	uint16_t rx, tx;
	char c;
	int host;

	fake_guest_init(&g, -1, FAKE_BUFFERS);
	host = open_stream(10000, 500);
	rx = fake_guest_stop(&g, 0);
	tx = fake_guest_stop(&g, 1);
	assert(rx == 1 && tx == 1);
	assert(send(host, "later", 5, 0) == 5);
	fake_guest_turns(&g);
	fake_guest_start(&g, rx, tx);
	assert(fake_guest_expect(&g, VSOCK_OP_RW, 10000, 500).len == 5);
	fake_guest_send_data(&g, 10000, 500, "x", 1);
	assert(recv(host, &c, 1, MSG_DONTWAIT) == 1);
	fake_guest_deinit(&g);
}

static void test_qemu_leaving_is_the_end(void)
{
	fake_guest_init(&g, -1, FAKE_BUFFERS);
	(void)open_stream(10000, 500);
	g.qemu = fd_close(g.qemu);
	fake_guest_turns(&g);
	assert(g.device_rc == 0);
	fake_guest_deinit(&g);
}

int main(void)
{
	fill();
	test_guest_connects_and_bytes_flow_both_ways();
	test_indirect_descriptors_work_too();
	test_refused_port_gets_rst();
	test_guest_credit_bounds_what_it_is_sent();
	test_unread_bytes_wait_in_order_and_give_credit_back();
	test_more_than_the_window_is_reset();
	test_guest_half_close_lets_answers_through();
	test_host_half_close_reaches_guest_after_the_bytes();
	test_host_close_tells_both_directions();
	test_close_of_both_directions_is_confirmed_and_drained();
	test_credit_request_is_answered();
	test_guest_with_a_small_buffer_hears_of_credit_early();
	test_a_thousand_streams_and_no_more();
	test_streams_share_receive_buffers_fairly();
	test_nothing_is_lost_while_the_guest_gives_no_buffers();
	test_host_program_connects_to_the_guest();
	test_a_guest_that_boots_anew_loses_its_streams();
	test_a_pause_loses_nothing();
	test_qemu_leaving_is_the_end();
	return 0;
}
