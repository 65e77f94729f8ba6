/* SPDX-License-Identifier: Apache-2.0 */
/* The relay against key providers on a real TCP socket: one that answers and several that do not. */
#include <netinet/in.h>

#include "loop/test_http.h"

#include "host-api/key_provider.h"

struct relay {
	struct test_http t;
	struct key_provider *k;
	int listener;
	unsigned int n_done, n_failed;
	size_t n_key;
	struct err e;
};

static void start(struct relay *r, unsigned int timeout_ms)
{
	struct sockaddr_in in = { 0 };
	socklen_t n = sizeof(in);
	char address[32];

	memset(r, 0, sizeof(*r));
	test_loop_start(&r->t);
	r->listener = listen_tcp("127.0.0.1:0", &r->e);
	assert(r->listener >= 0 && getsockname(r->listener, (struct sockaddr *)&in, &n) == 0);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(in.sin_port));
	assert(key_provider_start(&r->k, &r->t.loop, address, timeout_ms, &r->e) == 0);
}

static void end(struct relay *r)
{
	key_provider_stop(r->k, test_on_stopped, &r->t);
	TEST_UNTIL(&r->t, r->t.stopped);
	r->listener = fd_close(r->listener);
	test_loop_end(&r->t);
}

static void on_key(void *arg, const struct key_frame_answer *a, const struct err *e)
{
	struct relay *r = arg;

	r->n_done++;
	assert(!a == !!e);
	if (a)
		r->n_key = a->encrypted_key.n;
	if (!e)
		return;
	r->n_failed++;
	r->e = *e;
	assert(strncmp(e->text, "Failed to get sealing key from key provider: ", 45) == 0);
}

static int ask(struct relay *r, const void *quote, size_t n)
{
	return key_provider_ask(r->k, quote, n, on_key, r, &r->e);
}

/* Be the provider: take one connection and its whole request. */
static int take(struct relay *r, size_t n_request)
{
	static char request[5 << 20];
	size_t have = 0;
	ssize_t n;
	int fd = -1;

	TEST_UNTIL(&r->t, (fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	while (have < n_request) {
		test_turn(&r->t);
		n = recv(fd, request + have, sizeof(request) - have, MSG_DONTWAIT);
		assert(n > 0 || (n < 0 && errno == EAGAIN));
		have += n > 0 ? (size_t)n : 0;
	}
	assert(have == n_request && memcmp(request + 4, "{\"quote\":[", 10) == 0);
	return fd;
}

static void answer(int fd, const char *json)
{
	uint8_t head[4] = { 0, 0, (uint8_t)(strlen(json) >> 8), (uint8_t)strlen(json) };

	assert(send(fd, head, 2, MSG_NOSIGNAL) == 2 && send(fd, head + 2, 2, MSG_NOSIGNAL) == 2);
	assert(send(fd, json, strlen(json), MSG_NOSIGNAL) == (ssize_t)strlen(json));
}

static const char good[] = "{\"encrypted_key\":[1,2,3],\"provider_quote\":[4]}";
static const size_t n_request_of_2 = 4 + sizeof("{\"quote\":[97,98]}") - 1;

static void test_key_comes_back(void)
{
	static struct relay r;
	int fd;

	start(&r, 0);
	assert(ask(&r, "ab", 2) == 0 && r.n_done == 0);
	fd = take(&r, n_request_of_2);
	answer(fd, good);
	TEST_UNTIL(&r.t, r.n_done == 1);
	assert(r.n_failed == 0 && r.n_key == 3);
	(void)close(fd);
	end(&r);
}

static void test_largest_quote_goes_through(void)
{
	static uint8_t quote[KEY_FRAME_QUOTE_MAX + 1];
	static struct relay r;
	int fd;

	start(&r, 60000);
	memset(quote, 200, sizeof(quote));
	assert(ask(&r, quote, sizeof(quote)) == ERR_LIMIT);
	assert(strcmp(r.e.text, "Failed to get sealing key from key provider: Quote is too long") ==
	       0);
	assert(ask(&r, quote, sizeof(quote) - 1) == 0);
	fd = take(&r, 4 + 10 + (size_t)KEY_FRAME_QUOTE_MAX * 4 - 1 + 2);
	answer(fd, good);
	TEST_UNTIL(&r.t, r.n_done == 1);
	assert(r.n_failed == 0);
	(void)close(fd);
	end(&r);
}

static void test_provider_that_fails(void)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *text;
	} bad[] = {
		{ "", 0, "Failed to read response length" },
		{ "\0\0", 2, "Failed to read response length" },
		{ "\0\0\0\7{}", 6, "Failed to read response: " },
		{ "\0\0\0\2{}", 6, "response is not" },
		{ "\0\0\0\2{}x", 7, "longer than announced" },
		{ "\0\0\0\0", 4, "frame of 0 bytes" },
		{ "\377\377\377\377", 4, "frame of 4294967295 bytes" },
	};
	static struct relay r;
	size_t i;
	int fd;

	start(&r, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert(ask(&r, "ab", 2) == 0);
		fd = take(&r, n_request_of_2);
		assert(send(fd, bad[i].bytes, bad[i].n, MSG_NOSIGNAL) == (ssize_t)bad[i].n);
		(void)close(fd);
		TEST_UNTIL(&r.t, r.n_failed == i + 1);
		assert(strstr(r.e.text, bad[i].text));
	}
	r.listener = fd_close(r.listener);
	if (ask(&r, "ab", 2) == 0)
		TEST_UNTIL(&r.t, r.n_failed == i + 1);
	assert(strstr(r.e.text, "Failed to connect to key provider: Connection refused"));
	end(&r);
}

static void test_silent_provider_has_a_deadline(void)
{
	static struct relay r;
	int fd;

	start(&r, 150);
	assert(ask(&r, "ab", 2) == 0);
	fd = take(&r, n_request_of_2);
	TEST_UNTIL(&r.t, r.n_failed == 1);
	assert(r.e.code == -ETIMEDOUT && strstr(r.e.text, "150 ms"));
	(void)close(fd);
	end(&r);
}

static void test_only_so_many_at_once_and_stop_tells_them(void)
{
	static struct relay r;
	unsigned int i;

	start(&r, 0);
	for (i = 0; i < KEY_PROVIDER_CALLS_MAX; i++)
		assert(ask(&r, "ab", 2) == 0);
	assert(ask(&r, "ab", 2) == ERR_LIMIT);
	end(&r);
	assert(r.n_failed == KEY_PROVIDER_CALLS_MAX && r.e.code == -ECANCELED);
}

static void test_a_unix_socket_does_too(void)
{
	static struct relay r;
	char path[64], address[80];
	int fd;

	memset(&r, 0, sizeof(r));
	test_loop_start(&r.t);
	(void)snprintf(path, sizeof(path), "/tmp/b-kp-%d.sock", (int)getpid());
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	r.listener = listen_unix(path, 0600, &r.e);
	assert(r.listener >= 0);
	assert(key_provider_start(&r.k, &r.t.loop, address, 0, &r.e) == 0);
	assert(ask(&r, "ab", 2) == 0);
	fd = take(&r, n_request_of_2);
	answer(fd, good);
	TEST_UNTIL(&r.t, r.n_done == 1);
	assert(r.n_failed == 0 && r.n_key > 0);
	(void)close(fd);
	assert(unlink(path) == 0); /* now nobody is there */
	assert(ask(&r, "ab", 2) < 0);
	end(&r);
}

static void test_address_is_checked(void)
{
	static struct relay r;

	test_loop_start(&r.t);
	assert(key_provider_start(&r.k, &r.t.loop, "localhost", 0, &r.e) == ERR_INPUT);
	assert(key_provider_start(&r.k, &r.t.loop, "127.0.0.1:99999", 0, &r.e) == ERR_INPUT);
	assert(key_provider_start(&r.k, &r.t.loop, "unix:relative", 0, &r.e) == ERR_INPUT);
	key_provider_stop(NULL, NULL, NULL);
	test_loop_end(&r.t);
}

int main(void)
{
	test_key_comes_back();
	test_largest_quote_goes_through();
	test_provider_that_fails();
	test_silent_provider_has_a_deadline();
	test_only_so_many_at_once_and_stop_tells_them();
	test_a_unix_socket_does_too();
	test_address_is_checked();
	return 0;
}
