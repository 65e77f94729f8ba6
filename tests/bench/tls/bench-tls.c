/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-tls: what a client of tls_front costs beside a bare pair of TLS ends: processor time of both ends together
 *
 * Each client shows a certificate, says a line, hears it back, ends. Beside it the same handshakes between two ends in
 * one thread, over a socket pair; then a stream of bytes, both ways.
 */
#include "loop/test_tls_front.h"

#include <sys/resource.h>

enum { ROUNDS = 400, STREAM = 64 << 20, PIECE = 16384 };

static struct test_ids ids;

static double cpu_ms(void)
{
	struct rusage u;

	assert(getrusage(RUSAGE_SELF, &u) == 0);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static struct tls_ctx *ctx_of(bool is_server, const struct test_id *id)
{
	const struct tls_ctx_options o = { .is_server = is_server,
					   .chain = test_chain(id),
					   .key = id->key_pem,
					   .trust = TLS_TRUST_CA,
					   .ca = test_cert(&ids.root) };
	struct tls_ctx *c;

	assert(tls_ctx_new(&o, &c, NULL) == 0);
	return c;
}

/* Both ends in one thread.  Return: milliseconds of processor time each. */
static double bare(void)
{
	struct tls_ctx *server = ctx_of(true, &ids.server), *client = ctx_of(false, &ids.client);
	double from = cpu_ms();
	int i, fd[2], s, c;

	for (i = 0; i < ROUNDS; i++) {
		struct tls *ts, *tc;

		assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
		ts = tls_new(server, fd[0], NULL);
		tc = tls_new(client, fd[1], "localhost");
		do {
			c = tls_handshake(tc, NULL);
			s = tls_handshake(ts, NULL);
		} while (c != 0 || s != 0);
		tls_free(ts);
		tls_free(tc);
		(void)fd_close(fd[0]);
		(void)fd_close(fd[1]);
	}
	from = (cpu_ms() - from) / ROUNDS;
	tls_ctx_unref(server);
	tls_ctx_unref(client);
	return from;
}

static void client_open(struct test_tls_client *c, const struct test_front *t, struct tls_ctx *ctx)
{
	*c = (struct test_tls_client){ .fd = test_dial(t), .ctx = tls_ctx_ref(ctx) };
	assert(fd_set_nonblocking(c->fd, true) == 0);
	c->tls = tls_new(ctx, c->fd, "localhost");
	assert(test_tls_shake(c) == 0);
}

static double fronted(const struct test_front *t, struct tls_ctx *ctx)
{
	struct test_tls_client c;
	double from = cpu_ms();
	char text[64];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		client_open(&c, t, ctx);
		test_tls_write(&c, "hello", 5);
		assert(test_tls_read(&c, text, sizeof(text)) == 5);
		test_tls_close(&c);
	}
	return (cpu_ms() - from) / ROUNDS;
}

/* Bytes there and back, a piece at a time.  Return: MiB in a second of processor time, both ways counted. */
static double streamed(const struct test_front *t, struct tls_ctx *ctx)
{
	static char piece[PIECE], back[PIECE];
	struct test_tls_client c;
	size_t n, done;
	double from;

	client_open(&c, t, ctx);
	from = cpu_ms();
	for (done = 0; done < STREAM; done += PIECE) {
		test_tls_write(&c, piece, PIECE);
		for (n = 0; n < PIECE;)
			n += (size_t)test_tls_read(&c, back, PIECE - n);
	}
	from = cpu_ms() - from;
	test_tls_close(&c);
	return 2.0 * (STREAM >> 20) / from * 1e3;
}

int main(void)
{
	struct test_front t = { .is_raw = true };
	struct tls_ctx *ctx;
	double alone, front;

	test_ids_init(&ids);
	ctx = ctx_of(false, &ids.client);
	alone = bare();
	test_front_start(&t, &ids);
	front = fronted(&t, ctx);
	printf("a handshake with certificates of both, both ends: %.3f ms of processor time\n",
	       alone);
	printf("a client of tls_front, from connect to end: %.3f ms (%.2f of it)\n", front,
	       front / alone);
	printf("a stream through tls_front and an echo: %.0f MiB/s of processor time\n",
	       streamed(&t, ctx));
	tls_ctx_unref(ctx);
	test_front_stop(&t);
	test_ids_deinit(&ids);
	return 0;
}
