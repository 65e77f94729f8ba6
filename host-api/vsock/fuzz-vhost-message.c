/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-vhost-message: any stream of vhost-user messages leaves the back end alive or ended,
 * never broken; what parses keeps its promises
 *
 * Input    messages one after the other, each: u8 count of descriptors (mod 4), then the
 *          12 bytes of header, then the payload that the header announces.
 *          The back end sees them behind a real memory file and eventfds.
 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/rd.h"
#include "vsockdev/vhost_backend.h"
#include "vsockdev/vhost_channel.h"

enum { MEMORY = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int started(void *arg, unsigned int index, struct err *e)
{
	(void)arg;
	(void)e;
	assert(index < VHOST_RINGS);
	return 0;
}

static void stopping(void *arg, unsigned int index)
{
	(void)arg;
	assert(index < VHOST_RINGS);
}

static int new_fd(const uint8_t *header)
{
	int fd;

	if (header[0] != VHOST_SET_MEM_TABLE)
		return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	assert(fd >= 0 && ftruncate(fd, MEMORY) == 0);
	return fd;
}

static int one_message(struct vhost_backend *b, int fd, struct rd *r)
{
	struct vhost_letter l = { .n_fds = 0 };
	size_t n_fds = rd_u8(r) % 4;
	struct err e = ERR_NONE;
	char drain[512];
	int size, rc;

	if (!rd_copy(r, l.header, VHOST_HEADER))
		return -1;
	size = vhost_message_size(l.header, &e);
	if (size < 0 || !rd_copy(r, l.payload, (size_t)size))
		return -1;
	assert((size_t)size <= sizeof l.payload);
	rc = vhost_message_parse(l.header, l.payload, n_fds, &l.message, &e);
	if (rc < 0) {
		assert(e.text[0]);
		return rc;
	}
	while (l.n_fds < n_fds)
		l.fds[l.n_fds++] = new_fd(l.header);
	rc = vhost_backend_handle(b, fd, &l, &e);
	assert(rc == 0 || e.text[0]);
	vhost_letter_close(&l);
	while (recv(fd, drain, sizeof drain, MSG_DONTWAIT) > 0) {
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct vhost_backend_ops ops = { .ring_started = started,
						      .ring_stopping = stopping };
	struct rd r = rd_over(data, n);
	struct virtqueue_chain c;
	struct vhost_backend b;
	int pair[2], i;

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	vhost_backend_init(&b, 3, &ops, NULL);
	while (rd_left(&r) > 0 && one_message(&b, pair[0], &r) == 0) {
		char drain[512];

		while (recv(pair[1], drain, sizeof drain, MSG_DONTWAIT) > 0) {
		}
		for (i = 0; i < VHOST_RINGS; i++) {
			if (!vhost_ring_is_served(&b.rings[i]))
				continue;
			(void)virtqueue_peek(&b.rings[i].queue, 0, i == 0, &c, NULL);
			(void)virtqueue_ask_kick(&b.rings[i].queue);
		}
	}
	vhost_backend_deinit(&b);
	(void)fd_close(pair[0]);
	(void)fd_close(pair[1]);
	return 0;
}
