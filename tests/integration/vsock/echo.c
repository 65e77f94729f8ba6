/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo: a host program that listens on a unix socket and returns what it gets
 *
 * A thread per connection; ends each when its peer does.  Ends itself when its
 * standard input does, so it cannot outlive the test that started it.
 */
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024, STACK = 64 * 1024 };

static void *echo(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint8_t *p = malloc(CHUNK);
	ssize_t n, done, rc = 0;

	while (p && rc >= 0 && (n = read(fd, p, CHUNK)) > 0) {
		for (done = 0; done < n && rc >= 0; done += rc)
			rc = send(fd, p + done, (size_t)(n - done), MSG_NOSIGNAL);
	}
	free(p);
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN }, { .events = POLLIN } };
	pthread_attr_t small;
	pthread_t t;

	if (argc != 2 || strlen(argv[1]) >= sizeof a.sun_path)
		return 2;
	memcpy(a.sun_path, argv[1], strlen(argv[1]) + 1);
	fds[1].fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fds[1].fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fds[1].fd, 1024) < 0) {
		perror(argv[1]);
		return 1;
	}
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	while (poll(fds, 2, -1) > 0 && !fds[0].revents) {
		int fd = accept(fds[1].fd, NULL, NULL);

		if (fd >= 0 && pthread_create(&t, &small, echo, (void *)(intptr_t)fd) != 0)
			close(fd);
	}
	return 0;
}
