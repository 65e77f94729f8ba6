/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that floods the host API cannot slow another's call, nor make the daemon grow.
 *
 * The host runs here, on its loop.  One guest is a thread that makes one call after another, each on a
 * connection of its own as guests do, and times them.  The other is a program of its own (so that its
 * processor time is not the host's) with a thread for each way to be a nuisance.  Times are compared
 * within one run: without the flood, with it, and without it again.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "loop/test_http.h"

#include "host-api/hostapi.h"
#include "host-api/key_provider.h"
#include "loop/http_client.h"

enum {
	CALLS = 120,
	FLOOD_SETTLE_MS = 1500,
	HELD_MAX = 8 * 1024 * 1024, /* what the flood may make the host hold, heap and all */
};

struct host {
	struct test_http t;
	struct hostapi *api;
	struct key_provider *keys; /* that is not there: each request costs what reading it costs */
	struct hostapi_guest *guest[2];
	char uds[2][64], path[2][80];
	unsigned int n_notices[2];
	size_t held_before, held_most;
};

/* ---- the host ---- */

static int on_notify(void *ctx, const char *vm_id, uint64_t generation, const char *event,
		     const char *payload)
{
	struct host *h = ctx;

	(void)generation;
	(void)event;
	(void)payload;
	h->n_notices[strcmp(vm_id, "vm-1") == 0]++;
	return 0;
}

static void start(struct host *h)
{
	struct hostapi_options o = { .on_notify = on_notify, .ctx = h };
	struct carrier_peer peer = { .vm_id = "" };
	struct err e = ERR_NONE;
	int i, fd;

	memset(h, 0, sizeof(*h));
	test_loop_start(&h->t);
	assert(key_provider_start(&h->keys, &h->t.loop, "127.0.0.1:1", 0, &e) == 0);
	o.key_provider = h->keys;
	assert(hostapi_start(&h->api, &h->t.loop, &o, &e) == 0);
	for (i = 0; i < 2; i++) {
		(void)snprintf(h->uds[i], sizeof(h->uds[i]), "./flood-%d-%d", (int)getpid(), i);
		(void)snprintf(h->path[i], sizeof(h->path[i]), "%s_10000", h->uds[i]);
		(void)snprintf(peer.vm_id, sizeof(peer.vm_id), "vm-%d", i);
		fd = carrier_listen_unix(h->uds[i], CARRIER_HOST_PORT, 0600, &e);
		assert(fd >= 0);
		assert(hostapi_guest_start(&h->guest[i], h->api, &peer, fd, &e) == 0);
	}
}

static void end(struct host *h)
{
	hostapi_stop(h->api, test_on_stopped, &h->t);
	TEST_UNTIL(&h->t, h->t.stopped);
	h->t.stopped = false;
	key_provider_stop(h->keys, test_on_stopped, &h->t);
	TEST_UNTIL(&h->t, h->t.stopped);
	(void)unlink(h->path[0]);
	(void)unlink(h->path[1]);
	test_loop_end(&h->t);
}

static void measure_held(struct host *h)
{
	struct mallinfo2 m =
		mallinfo2(); /* zeros under a sanitizer, whose own checks are for leaks */
	size_t held = m.uordblks + m.hblkhd;

	if (h->held_before == 0)
		h->held_before = held;
	if (held > h->held_most)
		h->held_most = held;
}

/* ---- the guest that calls ---- */

struct caller {
	const char *path;
	uint64_t us[CALLS];
	bool is_done;
};

static uint64_t now_us(void)
{
	return uv_hrtime() / 1000;
}

static void *call_many(void *arg)
{
	struct caller *c = arg;
	struct http_call_options o = {
		.method = "POST",
		.url = "http://2:10000/api/Notify?json",
		.body = "{\"event\":\"boot.progress\",\"payload\":\"done\"}",
	};
	struct http_answer a;
	struct err e = ERR_NONE;
	uint64_t begun;
	int i;

	o.n_body = strlen(o.body);
	for (i = 0; i < CALLS; i++) {
		(void)usleep(25 * 1000); /* below the rate that any guest has */
		begun = now_us();
		o.fd = connect_unix(c->path, &e);
		assert(o.fd >= 0);
		assert(http_call_wait(&o, &a, &e) == 0 && a.status == 200);
		c->us[i] = now_us() - begun;
		buf_deinit(&a.body);
	}
	__atomic_store_n(&c->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Run the calls beside the loop.  Return: their median, microseconds. */
static uint64_t time_calls(struct host *h, const char *what)
{
	static struct caller c;
	pthread_t thread;

	memset(&c, 0, sizeof(c));
	c.path = h->path[0];
	assert(pthread_create(&thread, NULL, call_many, &c) == 0);
	while (!__atomic_load_n(&c.is_done, __ATOMIC_ACQUIRE)) {
		test_turn(&h->t);
		measure_held(h);
	}
	assert(pthread_join(thread, NULL) == 0);
	qsort(c.us, CALLS, sizeof(c.us[0]), compare);
	printf("%-8s median %5llu us, p90 %6llu us, most %6llu us\n", what,
	       (unsigned long long)c.us[CALLS / 2], (unsigned long long)c.us[CALLS * 9 / 10],
	       (unsigned long long)c.us[CALLS - 1]);
	return c.us[CALLS / 2];
}

/* ---- the guest that floods ---- */

static const char *flooded;

static int reach(void)
{
	struct err e;
	int fd;

	while ((fd = connect_unix(flooded, &e)) < 0)
		(void)usleep(1000);
	(void)fd_set_nonblocking(fd, false);
	return fd;
}

static bool put(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = send(fd, at, n, MSG_NOSIGNAL);
		if (done <= 0)
			return false;
		at += done;
		n -= (size_t)done;
	}
	return true;
}

#define PUT(fd, text) put(fd, text, strlen(text))

/* Requests one after another, answers not read. */
__attribute__((noreturn)) static void *flood_requests(void *arg)
{
	static const char text[] =
		"POST /api/Notify?json HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n"
		"{\"event\":\"e\"}";
	int fd;

	(void)arg;
	for (;;) {
		fd = reach();
		while (PUT(fd, text))
			continue;
		(void)close(fd);
	}
}

/* The same, and the answers read: as fast as the host gives them. */
__attribute__((noreturn)) static void *flood_events(void *arg)
{
	char text[4200], head[128], sink[1024];
	int fd, n;

	(void)arg;
	n = snprintf(text, sizeof(text), "{\"event\":\"boot.progress\",\"payload\":\"%4000d\"}", 1);
	(void)snprintf(head, sizeof(head),
		       "POST /api/Notify?json HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
		       n);
	for (;;) {
		fd = reach();
		while (PUT(fd, head) && PUT(fd, text) && recv(fd, sink, sizeof(sink), 0) > 0)
			continue;
		(void)close(fd);
	}
}

/* Connections that say nothing. */
__attribute__((noreturn)) static void *flood_silence(void *arg)
{
	(void)arg;
	for (;;)
		(void)reach();
}

/* Connections that come and go. */
__attribute__((noreturn)) static void *flood_churn(void *arg)
{
	int fd;

	(void)arg;
	for (;;) {
		fd = reach();
		(void)PUT(fd, "POST /api/No");
		(void)close(fd);
	}
}

/* A body without end, in chunks. */
__attribute__((noreturn)) static void *flood_chunks(void *arg)
{
	static char chunk[65536 + 16];
	int fd;

	(void)arg;
	(void)snprintf(chunk, sizeof(chunk), "10000\r\n%65536d\r\n", 1);
	for (;;) {
		fd = reach();
		(void)PUT(fd, "POST /api/GetSealingKey HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
			      "chunked\r\n\r\n");
		while (put(fd, chunk, 7 + 65536 + 2))
			continue;
		(void)close(fd);
	}
}

/* A body as large as it may be, of JSON that is dear to read. */
__attribute__((noreturn)) static void *flood_bodies(void *arg)
{
	static char body[60000];
	char head[128];
	int fd;

	(void)arg;
	memset(body, '[', sizeof(body));
	(void)snprintf(head, sizeof(head),
		       "POST /api/Notify?json HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
		       sizeof(body));
	for (;;) {
		fd = reach();
		while (PUT(fd, head) && put(fd, body, sizeof(body)))
			continue;
		(void)close(fd);
	}
}

/* The dearest call there is: a quote of 1 MiB. */
__attribute__((noreturn)) static void *flood_quotes(void *arg)
{
	enum { HEX = 2 * 1024 * 1024 };
	static char body[HEX + 64];
	char head[128], sink[1024];
	int fd;

	(void)arg;
	(void)snprintf(body, sizeof(body), "{\"quote\":\"%0*d\"}", HEX, 1);
	(void)snprintf(
		head, sizeof(head),
		"POST /api/GetSealingKey?json HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
		strlen(body));
	for (;;) {
		fd = reach();
		while (PUT(fd, head) && PUT(fd, body) && recv(fd, sink, sizeof(sink), 0) > 0)
			continue;
		(void)close(fd);
	}
}

/* One byte at a time, as many as go: each wakes the host. */
__attribute__((noreturn)) static void *flood_bytes(void *arg)
{
	int fd;

	(void)arg;
	for (;;) {
		fd = reach();
		(void)PUT(fd, "POST /api/Notify HTTP/1.1\r\nX: ");
		while (PUT(fd, "y"))
			continue;
		(void)close(fd);
	}
}

typedef void *(*way_fn)(void *arg);

/* Each on a connection of its own, all of which the guest may have. */
static const way_fn busy[] = { flood_requests, flood_events, flood_chunks, flood_bodies,
			       flood_quotes,   flood_events, flood_bytes,  flood_bytes };

/* These take every connection that the guest may have, so nothing else of it comes through. */
static const way_fn clogging[] = { flood_silence, flood_churn, flood_events };

__attribute__((noreturn)) static void flood(const char *path, const way_fn *ways, size_t n)
{
	const struct rlimit some = { .rlim_cur = 200, .rlim_max = 200 };
	pthread_t thread;
	size_t i;

	flooded = path;
	(void)setrlimit(RLIMIT_NOFILE, &some); /* a guest has no more either; reach() then waits */
	for (i = 0; i < n; i++)
		(void)pthread_create(&thread, NULL, ways[i], NULL);
	(void)sleep(110); /* the test ends it long before */
	_exit(0);
}

static pid_t flood_start(struct host *h, const way_fn *ways, size_t n)
{
	uint64_t until;
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0)
		flood(h->path[1], ways, n);
	until = time_mono_ms() + FLOOD_SETTLE_MS;
	while (time_mono_ms() < until) {
		test_turn(&h->t);
		measure_held(h);
	}
	return pid;
}

/* Calls during one kind of flood, against calls before and after it. */
static void against(struct host *h, const char *what, const way_fn *ways, size_t n)
{
	uint64_t before = time_calls(h, "idle"), during, after, idle;
	unsigned int notices, calls = h->n_notices[0];
	uint64_t begun;
	pid_t pid;

	h->held_before = 0;
	h->held_most = 0;
	measure_held(h);
	begun = time_mono_ms();
	notices = h->n_notices[1];
	pid = flood_start(h, ways, n);
	during = time_calls(h, what);
	notices = h->n_notices[1] - notices;
	begun = time_mono_ms() - begun;
	assert(h->n_notices[0] == calls + CALLS);
	assert(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	after = time_calls(h, "idle");
	idle = before > after ? before : after;
	printf("%s: ratio %.2f; %u notices came through in %llu ms; held %zu KiB more\n\n", what,
	       (double)during / (double)idle, notices, (unsigned long long)begun,
	       (h->held_most - h->held_before) / 1024);
	assert(during < 2 * idle);
	/* no faster than it may be; a guest that clogs its own connections may get nothing at all */
	assert(notices <= HOSTAPI_RATE * (begun + 1000) / 1000 + HOSTAPI_BURST);
	assert(notices > 0 || ways == clogging);
	assert(h->held_most - h->held_before < HELD_MAX);
}

static void test_flood_costs_only_its_guest(void)
{
	static struct host h;

	start(&h);
	(void)time_calls(&h, "warm-up");
	against(&h, "busy", busy, sizeof(busy) / sizeof(busy[0]));
	against(&h, "clogging", clogging, sizeof(clogging) / sizeof(clogging[0]));
	end(&h);
}

int main(void)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	test_flood_costs_only_its_guest();
	return 0;
}
