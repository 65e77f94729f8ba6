/* SPDX-License-Identifier: Apache-2.0 */
/* test-host_call: a request as dstack's host expects it, and hosts that answer badly */
#include "guest-stub/host_call.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest-stub/vsock_url.h"

static const struct vsock_url host = { .cid = 2, .port = 10000, .path = "/api" };

/* Call a host that has said @reply already and then ends its side if @ends. */
static int call(const char *reply, bool ends, unsigned int timeout_ms, char *ret_request,
		size_t size)
{
	const struct host_call c = { &host, "Notify", "{}", 2, timeout_ms };
	int pair[2], status = -1, r;
	ssize_t got;

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	assert(fd_write_all(pair[1], reply, strlen(reply)) == 0);
	if (ends)
		assert(shutdown(pair[1], SHUT_WR) == 0);
	r = host_call_over(&c, pair[0], &status, NULL);
	(void)fd_close(pair[0]);
	got = fd_read_full(pair[1], ret_request, size - 1);
	assert(got >= 0);
	ret_request[got] = 0;
	(void)fd_close(pair[1]);
	return r < 0 ? r : status;
}

static void test_request_is_what_dstack_guests_send(void)
{
	char request[512];

	assert(call("HTTP/1.1 200 OK\r\n\r\nnull", true, 60000, request, sizeof(request)) == 200);
	assert(str_equal(request, "POST /api/Notify?json HTTP/1.1\r\nHost: 2:10000\r\n"
				  "Connection: close\r\nContent-Length: 2\r\n\r\n{}"));
}

static void test_statuses(void)
{
	char request[512];

	assert(call("HTTP/1.1 400 Bad Request\r\n\r\n", true, 60000, request, 512) == 400);
	assert(call("HTTP/1.0 503\r\n\r\n", true, 60000, request, 512) == 503);
}

static void test_what_is_not_http_is_refused(void)
{
	char request[512];

	assert(call("SSH-2.0-x\r\n", false, 60000, request, 512) == ERR_PROTO);
	assert(call("HTTP/1.1 999 x\r\n", true, 60000, request, 512) == ERR_PROTO);
	assert(call("HTTP/1.1 2x0 x\r\n", true, 60000, request, 512) == ERR_PROTO);
}

static void test_deaf_host_times_out(void)
{
	char request[512];

	assert(call("", false, 20, request, 512) == -ETIMEDOUT);
	assert(call("HTTP/1.1 2", true, 60000, request, 512) == -ETIMEDOUT);
}

static void test_status_is_known_without_waiting_for_more(void)
{
	char request[512];

	assert(call("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", false, 50, request, 512) ==
	       200);
}

/* The same for a call whose answer is wanted, of at most 16 bytes. */
static int read_answer(const char *reply, char ret[static 17], struct err *e)
{
	const struct host_call c = { &host, "GetSealingKey", "{}", 2, 60000 };
	auto_buf struct buf body = BUF_MAX(16);
	int pair[2], status = -1, r;

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	assert(fd_write_all(pair[1], reply, strlen(reply)) == 0);
	assert(shutdown(pair[1], SHUT_WR) == 0);
	r = host_call_read_over(&c, pair[0], &status, &body, e);
	(void)fd_close(pair[0]);
	(void)fd_close(pair[1]);
	(void)str_copy(ret, 17, body.p ? (char *)body.p : "");
	return r < 0 ? r : status;
}

static void test_answers_are_read_within_their_limit(void)
{
	struct err e = ERR_NONE;
	char body[17];

	assert(read_answer("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", body, &e) == 200 &&
	       str_equal(body, "null"));
	assert(read_answer("HTTP/1.1 400 No\r\n\r\n{\"error\":\"x\"}", body, &e) == 400 &&
	       str_equal(body, "{\"error\":\"x\"}"));
	assert(read_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnull", body, &e) ==
		       ERR_PROTO &&
	       str_starts(e.text, "GetSealingKey: "));
	assert(read_answer("HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n0123456789abcdefg",
			   body, &e) == ERR_LIMIT);
	assert(read_answer("\1\2\3", body, &e) == ERR_PROTO);
}

int main(void)
{
	test_request_is_what_dstack_guests_send();
	test_statuses();
	test_what_is_not_http_is_refused();
	test_deaf_host_times_out();
	test_status_is_known_without_waiting_for_more();
	test_answers_are_read_within_their_limit();
	return 0;
}
