/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_init: the init of a test guest that does over vsock what the host side asks
 *
 * Static, no library but libc.  It loads /modules/N-*.ko in order of their names,
 * listens on port GUEST_PORT and serves each connection in a thread:
 *
 *	'E'			echo until the end, then end too (half-close)
 *	'S' u64 n		swallow n bytes, or for 0 until the end; answer with the count
 *	'G' u64 n		send n bytes of the pattern, then end
 *	'C' u32 port u32 n	connect n times to the host, answer with n times in ns
 *	'F' u32 port u32 n u64 bytes
 *				open n streams to the host at once, push bytes through each, compare
 *				the echo with what was sent, answer with the number that was right
 *	'R' u32 port u32 n u32 size
 *				n round trips of size bytes on one stream to the host; n times in ns
 *	'K'			connect to a port where nobody listens, and to a CID that is not the
 *				host; answer with both errnos
 *	'Q'			power off
 *
 * All numbers little endian, times u64.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

enum { GUEST_PORT = 6000, CHUNK = 256 * 1024, MODULES_MAX = 32, STREAMS_MAX = 1500 };

static void say(const char *what)
{
	dprintf(1, "guest: %s (errno %d: %s)\n", what, errno, strerror(errno));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void load_modules(void)
{
	char *names[MODULES_MAX], path[300];
	size_t n = 0, i;
	struct dirent *e;
	DIR *d = opendir("/modules");

	while (d && (e = readdir(d)) && n < MODULES_MAX) {
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	}
	qsort(names, n, sizeof names[0], by_name);
	for (i = 0; i < n; i++) {
		int fd;

		snprintf(path, sizeof path, "/modules/%s", names[i]);
		fd = open(path, O_RDONLY);
		if (syscall(SYS_finit_module, fd, "", 0) < 0)
			say(path);
		close(fd);
	}
}

static int get(int fd, void *p, size_t n)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t rc = read(fd, at, n);

		if (rc <= 0)
			return -1;
		at += rc;
		n -= (size_t)rc;
	}
	return 0;
}

static int put(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n > 0) {
		ssize_t rc = send(fd, at, n, MSG_NOSIGNAL);

		if (rc <= 0)
			return -1;
		at += rc;
		n -= (size_t)rc;
	}
	return 0;
}

static uint64_t get_number(int fd, size_t size)
{
	uint64_t v = 0;

	if (get(fd, &v, size) < 0)
		return 0;
	return v;
}

static int dial(uint32_t cid, uint32_t port)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port };
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static uint8_t pattern(uint64_t at, uint32_t stream)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + stream * 131);
}

static void echo(int fd)
{
	uint8_t *p = malloc(CHUNK);
	ssize_t n;

	while ((n = read(fd, p, CHUNK)) > 0) {
		if (put(fd, p, (size_t)n) < 0)
			break;
	}
	free(p);
}

static void swallow(int fd)
{
	uint64_t total = 0, want = get_number(fd, 8);
	uint8_t *p = malloc(CHUNK);
	ssize_t n;

	while ((!want || total < want) && (n = read(fd, p, CHUNK)) > 0)
		total += (uint64_t)n;
	free(p);
	put(fd, &total, sizeof total);
}

static void generate(int fd)
{
	uint64_t n = get_number(fd, 8), at = 0, i;
	uint8_t *p = malloc(CHUNK);

	for (i = 0; i < CHUNK; i++)
		p[i] = pattern(i, 0);
	while (at < n) {
		uint64_t part = n - at < CHUNK ? n - at : CHUNK;

		if (put(fd, p, part) < 0)
			break;
		at += part;
	}
	free(p);
}

static void connects(int fd)
{
	uint32_t port = (uint32_t)get_number(fd, 4), n = (uint32_t)get_number(fd, 4), i;
	uint64_t *t = calloc(n, sizeof *t);

	for (i = 0; i < n; i++) {
		uint64_t before = now_ns();
		int s = dial(VMADDR_CID_HOST, port);

		t[i] = now_ns() - before;
		if (s < 0) {
			say("connect");
			t[i] = 0;
		}
		close(s);
	}
	put(fd, t, n * sizeof *t);
	free(t);
}

static void round_trips(int fd)
{
	uint32_t port = (uint32_t)get_number(fd, 4), n = (uint32_t)get_number(fd, 4);
	uint32_t size = (uint32_t)get_number(fd, 4), i;
	uint64_t *t = calloc(n, sizeof *t);
	uint8_t *p = calloc(1, size ? size : 1);
	int s = dial(VMADDR_CID_HOST, port);

	for (i = 0; s >= 0 && i < n; i++) {
		uint64_t before = now_ns();

		if (put(s, p, size) < 0 || get(s, p, size) < 0)
			break;
		t[i] = now_ns() - before;
	}
	close(s);
	put(fd, t, n * sizeof *t);
	free(t);
	free(p);
}

struct lane {
	int fd;
	uint64_t sent, got;
	int shut, wrong;
};

/* One step of a stream.  Return: 1 when it is done. */
static int lane_step(struct lane *l, uint32_t id, uint64_t bytes, short events)
{
	uint8_t p[4096];
	ssize_t n, i;

	if ((events & POLLOUT) && l->sent < bytes) {
		uint64_t part = bytes - l->sent < sizeof p ? bytes - l->sent : sizeof p;

		for (i = 0; i < (ssize_t)part; i++)
			p[i] = pattern(l->sent + (uint64_t)i, id);
		n = send(l->fd, p, part, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			l->sent += (uint64_t)n;
	}
	if (l->sent == bytes && !l->shut) {
		shutdown(l->fd, SHUT_WR);
		l->shut = 1;
	}
	if (!(events & (POLLIN | POLLHUP | POLLERR)))
		return 0;
	n = recv(l->fd, p, sizeof p, MSG_DONTWAIT);
	if (n < 0)
		return errno != EAGAIN;
	for (i = 0; i < n; i++)
		l->wrong |= p[i] != pattern(l->got + (uint64_t)i, id);
	l->got += (uint64_t)n;
	return n == 0;
}

static uint32_t run_lanes(struct lane *l, struct pollfd *pfd, uint32_t n, uint64_t bytes)
{
	uint32_t i, open = n, right = 0;

	while (open > 0 && poll(pfd, n, 60000) > 0) {
		for (i = 0; i < n; i++) {
			if (pfd[i].fd < 0 || !pfd[i].revents)
				continue;
			if (lane_step(&l[i], i, bytes, pfd[i].revents)) {
				right += l[i].got == bytes && !l[i].wrong;
				pfd[i].fd = -1;
				open--;
			} else if (l[i].shut) {
				pfd[i].events = POLLIN;
			}
		}
	}
	return right;
}

static void fan(int fd)
{
	uint32_t port = (uint32_t)get_number(fd, 4), n = (uint32_t)get_number(fd, 4), i, right;
	uint64_t bytes = get_number(fd, 8);
	struct lane *l = calloc(STREAMS_MAX, sizeof *l);
	struct pollfd *pfd = calloc(STREAMS_MAX, sizeof *pfd);

	if (n > STREAMS_MAX)
		n = STREAMS_MAX;
	for (i = 0; i < n; i++) {
		l[i].fd = dial(VMADDR_CID_HOST, port);
		if (l[i].fd < 0)
			say("fan");
		pfd[i] = (struct pollfd){ .fd = l[i].fd, .events = POLLIN | POLLOUT };
	}
	right = run_lanes(l, pfd, n, bytes);
	for (i = 0; i < n; i++)
		close(l[i].fd);
	put(fd, &right, sizeof right);
	free(l);
	free(pfd);
}

static void refusals(int fd)
{
	uint32_t errors[2] = { 0, 0 };
	int s = dial(VMADDR_CID_HOST, 4242);

	if (s < 0)
		errors[0] = (uint32_t)errno;
	close(s);
	s = dial(77, 4242);
	if (s < 0)
		errors[1] = (uint32_t)errno;
	close(s);
	put(fd, errors, sizeof errors);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char verb = 0;

	if (get(fd, &verb, 1) == 0) {
		switch (verb) {
		case 'E':
			echo(fd);
			break;
		case 'S':
			swallow(fd);
			break;
		case 'G':
			generate(fd);
			break;
		case 'C':
			connects(fd);
			break;
		case 'R':
			round_trips(fd);
			break;
		case 'F':
			fan(fd);
			break;
		case 'K':
			refusals(fd);
			break;
		case 'Q':
			reboot(RB_POWER_OFF);
			break;
		default:
			break;
		}
	}
	close(fd);
	return NULL;
}

int main(void)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
				 .svm_cid = VMADDR_CID_ANY,
				 .svm_port = GUEST_PORT };
	pthread_attr_t small;
	int fd;

	mkdir("/dev", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	load_modules();
	fd = socket(AF_VSOCK, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1024) < 0)
		say("cannot listen");
	dprintf(1, "guest: ready\n");
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int s = accept(fd, NULL, NULL);
		pthread_t t;

		if (s < 0) {
			say("accept");
			sleep(1);
		} else if (pthread_create(&t, &small, serve, (void *)(intptr_t)s) != 0) {
			say("thread");
			close(s);
		}
	}
}
