/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 3 * 1024 * 1024 };

static uint8_t sent[BIG], got[BIG];

static void test_close_accepts_none(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), same = fd;

	assert(fd_close(-1) == -1);
	fd = fd_close(fd);
	assert(fd == -1 && fcntl(same, F_GETFD) == -1 && errno == EBADF);
}

static void test_stealing_leaves_none(void)
{
	int kept = -1;

	{
		auto_close int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		kept = steal_fd(&fd);
		assert(fd == -1);
	}
	assert(fcntl(kept, F_GETFD) >= 0);
	(void)fd_close(kept);
}

static void *write_big(void *arg)
{
	assert(fd_write_all(*(int *)arg, sent, BIG) == 0);
	(void)fd_close(*(int *)arg);
	return NULL;
}

/* Larger than any socket buffer, so both sides see short reads and writes. */
static void test_whole_reads_and_writes(void)
{
	pthread_t writer;
	int pair[2];
	size_t i;

	for (i = 0; i < BIG; i++)
		sent[i] = (uint8_t)(i * 7 + i / 256);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	assert(pthread_create(&writer, NULL, write_big, &pair[1]) == 0);
	assert(fd_read_full(pair[0], got, BIG) == BIG && memcmp(sent, got, BIG) == 0);
	assert(fd_read_full(pair[0], got, 1) == 0);
	assert(pthread_join(writer, NULL) == 0);
	(void)fd_close(pair[0]);
}

static void test_errors_are_negative_errno(void)
{
	uint8_t b;

	assert(fd_read_full(-1, &b, 1) == -EBADF && fd_write_all(-1, &b, 1) == -EBADF);
	assert(fd_write_all(-1, &b, 0) == 0 && fd_set_nonblocking(-1, true) == -EBADF);
}

static void test_nonblocking_on_and_off(void)
{
	uint8_t b;
	int p[2];

	assert(pipe2(p, O_CLOEXEC) == 0);
	assert(fd_set_nonblocking(p[0], true) == 0 && fd_read_full(p[0], &b, 1) == -EAGAIN);
	assert(fd_set_nonblocking(p[0], false) == 0 && (fcntl(p[0], F_GETFL) & O_NONBLOCK) == 0);
	(void)fd_close(p[0]);
	(void)fd_close(p[1]);
}

int main(void)
{
	test_close_accepts_none();
	test_stealing_leaves_none();
	test_whole_reads_and_writes();
	test_errors_are_negative_errno();
	test_nonblocking_on_and_off();
	return 0;
}
