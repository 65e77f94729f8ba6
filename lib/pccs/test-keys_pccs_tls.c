/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's way to a PCCS, against a child that answers once on the loopback interface */
#undef NDEBUG
#include "pccs/pccs_tls.h"

#include <assert.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "loop/listen.h"
#include "pccs/pccs_header.h"

enum { LONG_HEADER = 6000, ANSWER_MAX = 16 * 1024, PATIENCE_MS = 60 * 1000 };

#define NAME "TCB-Info-Issuer-Chain"

struct server {
	pid_t pid;
	char url[64];
};

/* Take one request and send @answer. */
static void serve(int listener, const char *answer)
{
	char request[4096];
	int fd = accept(listener, NULL, NULL);
	size_t n = 0;
	ssize_t got;

	while (!memmem(request, n, "\r\n\r\n", 4)) {
		got = read(fd, request + n, sizeof(request) - n);
		if (got <= 0)
			_exit(1);
		n += (size_t)got;
	}
	_exit(fd_write_all(fd, answer, strlen(answer)) < 0);
}

static void start(struct server *s, const char *answer)
{
	struct sockaddr_in in = { 0 };
	socklen_t n = sizeof(in);
	int fd = listen_tcp("127.0.0.1:0", NULL);

	assert(fd >= 0 && getsockname(fd, (struct sockaddr *)&in, &n) == 0);
	assert(fd_set_nonblocking(fd, false) == 0);
	(void)str_format(s->url, sizeof(s->url), "http://127.0.0.1:%u/tcb?a=b", ntohs(in.sin_port));
	s->pid = fork();
	assert(s->pid >= 0);
	if (s->pid == 0)
		serve(fd, answer);
	(void)fd_close(fd);
}

static void stop(struct server *s)
{
	(void)kill(s->pid, SIGKILL);
	assert(waitpid(s->pid, NULL, 0) == s->pid);
}

static int on_header(const char *line, size_t n, void *arg)
{
	return pccs_header_line(arg, line, n);
}

static int get(const struct server *s, struct pccs_header *h, int *status, struct buf *body,
	       struct err *e)
{
	const struct pccs_get g = { .url = s->url,
				    .reply_max = 16,
				    .timeout_ms = PATIENCE_MS,
				    .on_header = on_header,
				    .arg = h };

	*h = (struct pccs_header){ .name = NAME };
	*e = ERR_NONE;
	return pccs_tls_get(NULL, &g, status, body, e);
}

static void test_body_status_and_header_come(void)
{
	static char text[ANSWER_MAX], chain[LONG_HEADER + 1];
	auto_buf struct buf body = BUF_MAX(0);
	static struct pccs_header h;
	struct server s;
	struct err e;
	int status = 0;

	memset(chain, 'c', LONG_HEADER);
	chain[LONG_HEADER] = 0;
	(void)str_format(text, sizeof(text),
			 "HTTP/1.1 200 OK\r\n" NAME ": %s\r\nContent-Length: 2\r\n\r\n{}", chain);
	start(&s, text);
	assert(get(&s, &h, &status, &body, &e) == 0);
	assert(status == 200 && body.n == 2 && memcmp(body.p, "{}", 2) == 0);
	assert(str_equal(h.value, chain) && !h.is_bad);
	stop(&s);
}

static void test_a_status_is_an_answer(void)
{
	auto_buf struct buf body = BUF_MAX(0);
	static struct pccs_header h;
	struct server s;
	struct err e;
	int status = 0;

	start(&s, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	assert(get(&s, &h, &status, &body, &e) == 0 && status == 404 && h.value[0] == 0);
	stop(&s);
}

static void test_what_is_too_much_or_twice_is_refused(void)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\n" NAME ": a\r\n" NAME ": b\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n12345678901234567",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
		"none\r\n\r\n",
	};
	auto_buf struct buf body = BUF_MAX(0);
	static struct pccs_header h;
	struct server s;
	struct err e;
	int status = 0;
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		start(&s, answers[i]);
		assert(get(&s, &h, &status, &body, &e) < 0 && e.text[0] && status == 0);
		assert(h.is_bad == (i == 0));
		stop(&s);
	}
}

int main(void)
{
	test_body_status_and_header_come();
	test_a_status_is_an_answer();
	test_what_is_too_much_or_twice_is_refused();
	return 0;
}
