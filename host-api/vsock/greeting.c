/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/greeting.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "vsockdev/device.h"
#include "vsockdev/streams.h"

enum { ACCEPTS_PER_TURN = 32 };

int greeting_parse(const char *text, size_t n, uint32_t *ret_port)
{
	static const char verb[] = "CONNECT ";
	const char *end = memchr(text, '\n', n);
	char digits[GREETING_MAX] = "";
	size_t n_digits;

	if (memcmp(text, verb, n < sizeof verb - 1 ? n : sizeof verb - 1) != 0)
		return ERR_PROTO;
	if (!end)
		return n < GREETING_MAX ? 0 : ERR_PROTO;
	if ((size_t)(end - text) < sizeof verb - 1)
		return ERR_PROTO;
	n_digits = (size_t)(end - text) - (sizeof verb - 1);
	if (n_digits >= sizeof digits)
		return ERR_PROTO;
	memcpy(digits, text + sizeof verb - 1, n_digits);
	if (memchr(digits, 0, n_digits) || num_parse_u32(digits, 0, UINT32_MAX - 1, ret_port) < 0)
		return ERR_PROTO;
	return (int)(end - text) + 1;
}

void greeting_ready(struct stream *s)
{
	char line[GREETING_MAX];
	uint32_t port = 0;
	/* look first: what follows the line belongs to the guest */
	ssize_t n = recv(s->fd, line, sizeof line, MSG_PEEK | MSG_DONTWAIT);
	int len;

	if (n < 0 && errno == EAGAIN)
		return;
	len = n > 0 ? greeting_parse(line, (size_t)n, &port) : ERR_PROTO;
	if (len == 0)
		return;
	if (len < 0 || recv(s->fd, line, (size_t)len, MSG_DONTWAIT) != len) {
		streams_die(s);
		return;
	}
	s->state = STREAM_REQUESTED;
	s->readable = true; /* more may be there already */
	streams_enter(s, streams_free_port(s->device), port);
	s->to_send = STREAM_SEND_REQUEST;
	streams_queue(s);
}

int greeting_answer(struct stream *s)
{
	char line[GREETING_MAX];
	int n = str_format(line, sizeof line, "OK %u\n", s->host_port);

	if (n < 0)
		return n;
	return send(s->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n ? 0 : -EPIPE;
}

void greeting_accept(struct device *d)
{
	struct stream *s;
	int i, fd;

	for (i = 0; i < ACCEPTS_PER_TURN; i++) {
		fd = accept4(d->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		s = streams_add(d, fd, STREAM_GREETING);
		if (!s) {
			device_complain(d, "too many streams: a host program was refused");
			continue;
		}
		streams_set_deadline(s, STREAM_WAIT_MS);
		greeting_ready(s);
	}
}
