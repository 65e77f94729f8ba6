/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway-load: TLS clients on one thread, for the bench of bailey-gateway and its peers
 *
 * usage: gateway-load MODE PORT HOST PATH CONNECTIONS SECONDS [RATE]
 *   full      each request on a connection and a full handshake of its own
 *   resumed   the same, with a session that is resumed
 *   kept      requests on connections that stay, each as soon as the one before was answered
 *   paced     the same, RATE a second in all; latency is counted from when a request was due
 *   idle      open the connections with a request on each, say so on a line, wait for the end of stdin
 *
 * All but idle warm up first: when each connection was answered once, on average, a line says so, and the measurement
 * begins with the next byte, or the end, of stdin.  Its figures are the next line, before any connection is closed.
 *
 * Prints JSON.  Answers are checked: the status, and that as many bytes came as were announced.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { SESSIONS = 4096, BUFFER = 256 * 1024, SAMPLES = 4 * 1024 * 1024, HEAD = 4096, WINDOW = 200 };
enum mode { FULL, RESUMED, KEPT, PACED, IDLE };

struct client {
	int fd;
	SSL *ssl;
	bool is_shaken, is_waiting; /* for an answer */
	size_t n_head;
	char head[HEAD];
	uint64_t body_left;
	bool has_head;
	uint64_t due_us;
	struct client *next; /* of those without a request */
};

static struct {
	enum mode mode;
	struct sockaddr_in to;
	const char *host, *path;
	size_t n;
	double seconds, rate;
	int epoll;
	SSL_CTX *ctx;
	SSL_SESSION *sessions[SESSIONS]; /* OpenSSL uses one of TLS 1.3 once */
	size_t n_sessions;
	struct client *clients, *free;
	uint64_t n_done, n_bytes, n_errors, n_resumed, n_open;
	uint32_t *samples;
	size_t n_samples;
	bool is_over;
	uint64_t start_us, n_sent;
} g;

static char buffer[BUFFER];

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	if (g.n_sessions == SESSIONS)
		return 0;
	g.sessions[g.n_sessions++] = s;
	return 1;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as connects fail at once, at most 1000 times */
static void begin(struct client *c);

static void drop(struct client *c)
{
	if (c->ssl) {
		/* as if all had been said, or its session would not be resumed */
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c->ssl);
	}
	c->ssl = NULL;
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

static void fail(struct client *c)
{
	g.n_errors++;
	drop(c);
	if (!g.is_over && g.n_errors < 1000 && g.mode != IDLE)
		begin(c);
}

static void send_request(struct client *c, uint64_t due_us)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", g.path,
			 g.host,
			 g.mode == FULL || g.mode == RESUMED ? "Connection: close\r\n" : "");

	c->is_waiting = true;
	c->has_head = false;
	c->n_head = 0;
	c->due_us = due_us;
	g.n_sent++;
	if (SSL_write(c->ssl, text, n) != n) /* a request always fits */
		fail(c);
}

static void begin(struct client *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .data.ptr = c };
	int one = 1;

	*c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
					   0) };
	assert(c->fd >= 0);
	c->due_us = now_us();
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (struct sockaddr *)&g.to, sizeof(g.to)) < 0 && errno != EINPROGRESS) {
		fail(c);
		return;
	}
	c->ssl = SSL_new(g.ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_set_tlsext_host_name(c->ssl, g.host) != 1)
		abort();
	if (g.n_sessions > 0) {
		(void)SSL_set_session(c->ssl, g.sessions[--g.n_sessions]);
		SSL_SESSION_free(g.sessions[g.n_sessions]);
	}
	SSL_set_connect_state(c->ssl);
	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		abort();
}

/* NOLINTEND(misc-no-recursion) */

static void finish(struct client *c)
{
	uint64_t took = now_us() - c->due_us;

	c->is_waiting = false;
	g.n_done++;
	if (g.n_samples < SAMPLES)
		g.samples[g.n_samples++] = (uint32_t)took;
	if (g.mode == FULL || g.mode == RESUMED) {
		g.n_resumed += SSL_session_reused(c->ssl) == 1;
		drop(c);
		if (!g.is_over)
			begin(c);
	} else if (g.mode == KEPT && !g.is_over) {
		send_request(c, now_us());
	} else {
		c->next = g.free;
		g.free = c;
	}
}

/* Return: is the answer whole?  -1: it is none. */
static int take(struct client *c, const char *p, size_t n)
{
	const char *end, *length;

	g.n_bytes += n;
	if (!c->has_head) {
		size_t room = sizeof(c->head) - 1 - c->n_head, part = n < room ? n : room;

		memcpy(c->head + c->n_head, p, part);
		c->n_head += part;
		c->head[c->n_head] = 0;
		end = strstr(c->head, "\r\n\r\n");
		if (!end)
			return c->n_head == sizeof(c->head) - 1 ? -1 : 0;
		length = strcasestr(c->head, "\r\nContent-Length: ");
		if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length)
			return -1;
		c->has_head = true;
		c->body_left = strtoull(length + 18, NULL, 10);
		n -= (size_t)(end + 4 - c->head) - (c->n_head - part);
	}
	if (n > c->body_left)
		return -1;
	c->body_left -= n;
	return c->body_left == 0;
}

static void read_some(struct client *c)
{
	int n, rc;

	while (c->fd >= 0) {
		n = SSL_read(c->ssl, buffer, sizeof(buffer));
		if (n <= 0) {
			if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ) {
				ERR_clear_error();
				if (!g.is_over)
					fail(c);
			}
			return;
		}
		rc = take(c, buffer, (size_t)n);
		if (rc < 0) {
			fail(c);
			return;
		}
		if (rc > 0) {
			finish(c);
			if (g.mode != KEPT)
				return;
		}
	}
}

static void on_event(struct client *c)
{
	int rc;

	if (c->fd < 0 || !c->ssl)
		return;
	if (!c->is_shaken) {
		rc = SSL_do_handshake(c->ssl);
		if (rc != 1) {
			if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ &&
			    SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_WRITE) {
				ERR_clear_error();
				fail(c);
			}
			return;
		}
		c->is_shaken = true;
		g.n_open++;
		send_request(c, g.mode == FULL || g.mode == RESUMED ? c->due_us : now_us());
	}
	if (c->fd >= 0)
		read_some(c);
}

/* Whatever is due and has a connection to go by; who waits longer is late, and that counts.  Return: until the next. */
static uint64_t pace(void)
{
	uint64_t now = now_us();
	uint64_t due = (uint64_t)((double)(now - g.start_us) * g.rate / 1e6);

	while (g.n_sent < due && g.free) {
		struct client *c = g.free;

		g.free = c->next;
		send_request(c, g.start_us + (uint64_t)((double)(g.n_sent + 1) * 1e6 / g.rate));
	}
	if (!g.free)
		return 1000;
	now = now_us();
	due = g.start_us + (uint64_t)((double)(g.n_sent + 1) * 1e6 / g.rate);
	return due > now ? due - now : 0;
}

static void turn(uint64_t timeout_us)
{
	struct timespec wait = { .tv_sec = (time_t)(timeout_us / 1000000),
				 .tv_nsec = (long)(timeout_us % 1000000) * 1000 };
	struct epoll_event events[256];
	int i, n = epoll_pwait2(g.epoll, events, 256, &wait, NULL);

	for (i = 0; i < n; i++)
		on_event(events[i].data.ptr);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static uint32_t percentile(uint32_t *samples, size_t n, double p)
{
	if (n == 0)
		return 0;
	qsort(samples, n, sizeof(*samples), by_size);
	return samples[(size_t)((double)(n - 1) * p)];
}

/*
 * Of each WINDOW answers in a row the 99th of a hundred, and of those the one in the middle.  A machine that others use
 * stands still for milliseconds now and then, which would be all that the 99th of all answers tells; here it spoils the
 * windows it falls into, and those are few.
 */
static uint32_t steady_p99(void)
{
	size_t n = g.n_samples / WINDOW, i;
	uint32_t *each = calloc(n + 1, sizeof(*each)), p;

	assert(each);
	for (i = 0; i < n; i++)
		each[i] = percentile(g.samples + i * WINDOW, WINDOW, 0.99);
	p = percentile(each, n, 0.5);
	free(each);
	return p;
}

/* What is measured begins when who measures is ready, too. */
static void warm_up(void)
{
	char c;

	while (g.n_done < g.n && g.n_errors < 1000)
		turn(1000000);
	(void)printf("{\"ready\": %llu}\n", (unsigned long long)g.n_done);
	(void)fflush(stdout);
	(void)!read(0, &c, 1);
	g.n_done = g.n_bytes = g.n_samples = g.n_sent = g.n_resumed = 0;
	g.start_us = now_us();
}

static void run(void)
{
	uint64_t end;
	size_t i;
	char c;

	for (i = 0; i < g.n; i++) {
		begin(&g.clients[i]);
		if (g.mode == IDLE || g.mode == PACED) { /* no faster than they are taken */
			while (g.n_open + g.n_errors <= i)
				turn(1000000);
		}
	}
	if (g.mode == IDLE) {
		while (g.n_done + g.n_errors < g.n)
			turn(1000000);
		printf("{\"open\": %llu, \"errors\": %llu}\n", (unsigned long long)g.n_done,
		       (unsigned long long)g.n_errors);
		(void)fflush(stdout);
		(void)!read(0, &c, 1);
		return;
	}
	warm_up();
	end = g.start_us + (uint64_t)(g.seconds * 1e6);
	while (now_us() < end && g.n_errors < 1000) {
		turn(g.mode == PACED ? pace() : 100000);
	}
	g.is_over = true;
}

static void read_arguments(int argc, char **argv)
{
	static const char *const modes[] = { "full", "resumed", "kept", "paced", "idle" };
	size_t i = 0;

	if (argc < 7) {
		(void)fprintf(
			stderr,
			"usage: gateway-load MODE PORT HOST PATH CONNECTIONS SECONDS [RATE]\n");
		exit(2);
	}
	while (i < 4 && strcmp(modes[i], argv[1]) != 0)
		i++;
	g.mode = (enum mode)i;
	g.to.sin_family = AF_INET;
	g.to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	g.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g.host = argv[3];
	g.path = argv[4];
	g.n = strtoul(argv[5], NULL, 10);
	g.seconds = strtod(argv[6], NULL);
	g.rate = argc > 7 ? strtod(argv[7], NULL) : 0;
}

int main(int argc, char **argv)
{
	uint32_t steady;
	double took;

	read_arguments(argc, argv);
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	g.clients = calloc(g.n, sizeof(*g.clients));
	g.samples = calloc(SAMPLES, sizeof(*g.samples));
	g.ctx = SSL_CTX_new(TLS_client_method());
	assert(g.epoll >= 0 && g.clients && g.samples && g.ctx);
	(void)SSL_CTX_set_mode(g.ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(g.ctx, SSL_VERIFY_NONE, NULL);
	if (g.mode == RESUMED) {
		(void)SSL_CTX_set_session_cache_mode(g.ctx, SSL_SESS_CACHE_CLIENT |
								    SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(g.ctx, keep_session);
	}
	run();
	if (g.mode == IDLE)
		return 0;
	took = (double)(now_us() - g.start_us) / 1e6;
	steady = steady_p99();
	printf("{\"done\": %llu, \"bytes\": %llu, \"errors\": %llu, \"resumed\": %llu, "
	       "\"seconds\": %.3f, \"p50_us\": %u, \"steady_p99_us\": %u, \"p99_us\": %u}\n",
	       (unsigned long long)g.n_done, (unsigned long long)g.n_bytes,
	       (unsigned long long)g.n_errors, (unsigned long long)g.n_resumed, took,
	       percentile(g.samples, g.n_samples, 0.5), steady,
	       percentile(g.samples, g.n_samples, 0.99));
	return 0;
}
