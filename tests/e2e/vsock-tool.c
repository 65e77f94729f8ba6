/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock-tool: what a guest can do to its host's API, well-behaved and not
 *
 * Runs inside a test guest (static, no library).
 *
 *	vsock-tool ping N	N calls of Info, one after the other; prints the median in us, and the time
 *	vsock-tool flood S	for S seconds: calls without reading the answer, half-open calls,
 *				endless bodies, connections that say nothing
 *	vsock-tool unix PATH	sends its input to a unix socket and prints what comes back
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

enum { PORT = 10000, SOCKS = 64, PINGS_MAX = 10000 };

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int dial(int flags)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
				 .svm_cid = VMADDR_CID_HOST,
				 .svm_port = PORT };
	int fd = socket(AF_VSOCK, SOCK_STREAM | flags, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno != EINPROGRESS) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int call_info(void)
{
	static const char request[] = "POST /api/Info?json HTTP/1.1\r\nHost: 2:10000\r\n"
				      "Connection: close\r\nContent-Length: 4\r\n\r\nnull";
	char reply[2048];
	size_t have = 0;
	ssize_t got;
	int fd = dial(0);

	if (fd < 0)
		return -1;
	if (write(fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1) {
		(void)close(fd);
		return -1;
	}
	while (have < sizeof(reply) - 1 &&
	       (got = read(fd, reply + have, sizeof(reply) - 1 - have)) > 0)
		have += (size_t)got;
	(void)close(fd);
	reply[have] = 0;
	return strstr(reply, " 200 ") ? 0 : -1;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int ping(int n)
{
	static uint64_t took[PINGS_MAX];
	uint64_t begun;
	int i;

	for (i = 0; i < n; i++) {
		begun = now_us();
		if (call_info() < 0) {
			printf("ping: call %d failed: %s\n", i, strerror(errno));
			return 1;
		}
		took[i] = now_us() - begun;
	}
	qsort(took, (size_t)n, sizeof(took[0]), by_value);
	printf("ping: median %llu us at %lld\n", (unsigned long long)took[n / 2],
	       (long long)time(NULL));
	return 0;
}

/* What each kind of bad caller says first. */
static const char *const openings[] = {
	"POST /api/Notify?json HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\n"
	"{\"event\":\"flood\",\"payload\":\"aaaaaaa\"}",
	"POST /api/Notify?json HTTP/1.1\r\nHost: h\r\nContent-Le",
	"POST /api/Notify?json HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999\r\n\r\n",
	"",
};

struct caller {
	int fd, kind;
	bool greeted;
};

static char noise[65536];

/* Push one bad caller a little further; returns the bytes that it sent. */
static unsigned long caller_step(struct caller *c, unsigned long *opened)
{
	const char *say = openings[c->kind];
	ssize_t sent;

	if (c->fd < 0) {
		c->fd = dial(SOCK_NONBLOCK);
		c->greeted = false;
		*opened += c->fd >= 0;
		return 0;
	}
	if (c->greeted && c->kind == 2)
		sent = write(c->fd, noise, sizeof(noise));
	else if (c->greeted && c->kind != 0)
		return 0; /* half open: stay, and say no more */
	else
		sent = write(c->fd, say, strlen(say));
	if (sent >= 0) {
		c->greeted = true;
		return (unsigned long)sent;
	}
	if (errno != EAGAIN && errno != ENOTCONN) {
		(void)close(c->fd);
		c->fd = -1;
	}
	return 0;
}

static int flood(int seconds)
{
	uint64_t end = now_us() + (uint64_t)seconds * 1000000;
	unsigned long opened = 0, bytes = 0;
	struct caller callers[SOCKS];
	int i;

	memset(noise, 'x', sizeof(noise));
	for (i = 0; i < SOCKS; i++)
		callers[i] = (struct caller){ .fd = -1, .kind = i % 4 };
	while (now_us() < end) {
		for (i = 0; i < SOCKS; i++)
			bytes += caller_step(&callers[i], &opened);
		(void)poll(NULL, 0, 1);
	}
	printf("flood: %lu connections, %lu bytes\n", opened, bytes);
	return 0;
}

static int talk(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char piece[4096];
	ssize_t n;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror(path);
		return 1;
	}
	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0) {
		if (write(fd, piece, (size_t)n) != n)
			return 1;
	}
	(void)shutdown(fd, SHUT_WR);
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		if (write(STDOUT_FILENO, piece, (size_t)n) != n)
			return 1;
	}
	return n < 0;
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (n > 0 && n <= PINGS_MAX && strcmp(argv[1], "ping") == 0)
		return ping(n);
	if (n > 0 && strcmp(argv[1], "flood") == 0)
		return flood(n);
	if (argc == 3 && strcmp(argv[1], "unix") == 0)
		return talk(argv[2]);
	fprintf(stderr, "usage: vsock-tool ping N | flood SECONDS | unix PATH\n");
	return 2;
}
