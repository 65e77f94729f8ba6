/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime: a call lives until its two handles are closed; the provider until its own handle and all calls
 * are gone.
 */
#include "host-api/key_provider.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "loop/listen.h"

enum { READ_BLOCK = 4096, READS_AT_ONCE = 16 };

struct key_provider {
	uv_loop_t *loop;
	struct sockaddr_storage address;
	socklen_t n_address;
	unsigned int timeout_ms;
	unsigned int n_calls;
	unsigned int n_handles;
	bool is_stopping;
	uv_timer_t ending;
	LIST_HEAD(, key_provider_call) calls;
	void (*done)(void *arg);
	void *done_arg;
};

struct key_provider_call {
	LIST_ENTRY(key_provider_call) link;
	struct key_provider *provider;
	uv_poll_t poll;
	uv_timer_t deadline;
	unsigned int n_handles;
	int fd;
	bool is_connected;
	struct buf out;
	size_t n_sent;
	struct buf in;
	size_t want; /* of the body; 0: the head is not there yet */
	key_provider_fn done;
	void *arg;
};

static void release(struct key_provider *k)
{
	void (*done)(void *arg) = k->done;
	void *arg = k->done_arg;

	if (k->n_handles > 0)
		return;
	free(k);
	if (done)
		done(arg);
}

static void on_call_closed(uv_handle_t *h)
{
	struct key_provider_call *c = h->data;
	struct key_provider *k = c->provider;

	k->n_handles--;
	if (--c->n_handles == 0) {
		(void)fd_close(c->fd);
		buf_deinit(&c->out);
		buf_deinit(&c->in);
		free(c);
	}
	release(k);
}

static void end(struct key_provider_call *c, const struct key_frame_answer *a, struct err *e)
{
	LIST_REMOVE(c, link);
	c->provider->n_calls--;
	uv_close((uv_handle_t *)&c->poll, on_call_closed);
	uv_close((uv_handle_t *)&c->deadline, on_call_closed);
	if (!a)
		(void)err_wrap(e, e->code, "Failed to get sealing key from key provider");
	c->done(c->arg, a, a ? NULL : e);
}

static void on_deadline(uv_timer_t *t)
{
	struct key_provider_call *c = t->data;
	struct err e = ERR_NONE;

	(void)err_set(&e, -ETIMEDOUT, "no response within %u ms", c->provider->timeout_ms);
	end(c, NULL, &e);
}

static int check_connected(struct key_provider_call *c, struct err *e)
{
	int why = 0;
	socklen_t n = sizeof(why);

	if (c->is_connected)
		return 0;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0)
		why = errno;
	if (why)
		return err_errno(e, why, "Failed to connect to key provider");
	c->is_connected = true;
	return 0;
}

static int send_some(struct key_provider_call *c, struct err *e)
{
	ssize_t n;

	while (c->n_sent < c->out.n) {
		n = send(c->fd, c->out.p + c->n_sent, c->out.n - c->n_sent, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return err_errno(e, errno, "Failed to write quote");
		c->n_sent += (size_t)n;
	}
	return 0;
}

/* Return: 1 all is there, 0 more is needed. */
static int take(struct key_provider_call *c, const uint8_t *p, size_t n, struct err *e)
{
	int rc = buf_add(&c->in, p, n);

	if (rc < 0)
		return err_set(e, ERR_PROTO, "response is longer than announced");
	if (c->want == 0 && c->in.n >= KEY_FRAME_HEAD) {
		rc = key_frame_length(c->in.p, &c->want, e);
		if (rc < 0)
			return rc;
		c->in.max = KEY_FRAME_HEAD + c->want;
	}
	if (c->in.n > c->in.max)
		return err_set(e, ERR_PROTO, "response is longer than announced");
	return c->want > 0 && c->in.n == KEY_FRAME_HEAD + c->want;
}

static int read_some(struct key_provider_call *c, struct err *e)
{
	uint8_t block[READ_BLOCK];
	ssize_t n;
	int i, rc;

	for (i = 0; i < READS_AT_ONCE; i++) {
		n = recv(c->fd, block, sizeof(block), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return err_errno(e, errno, "Failed to read response");
		if (n == 0) {
			return err_set(e, ERR_PROTO,
				       c->want ? "Failed to read response: early end"
					       : "Failed to read response length: early end");
		}
		rc = take(c, block, (size_t)n, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void on_event(uv_poll_t *p, int status, int events)
{
	struct key_provider_call *c = p->data;
	struct key_frame_answer a;
	struct err e = ERR_NONE;
	int rc;

	(void)status; /* the socket's own error is told below */
	(void)events;
	rc = check_connected(c, &e);
	if (rc == 0)
		rc = send_some(c, &e);
	if (rc == 0)
		rc = read_some(c, &e);
	if (rc == 0) {
		if (c->n_sent == c->out.n)
			(void)uv_poll_start(p, UV_READABLE, on_event);
		return;
	}
	if (rc > 0)
		rc = key_frame_answer(c->in.p + KEY_FRAME_HEAD, c->want, &a, &e);
	if (rc < 0) {
		end(c, NULL, &e);
		return;
	}
	end(c, &a, NULL);
	key_frame_answer_deinit(&a);
}

static int open_call(struct key_provider_call *c, struct err *e)
{
	struct key_provider *k = c->provider;
	int rc;

	c->fd = socket(k->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_errno(e, errno, "opening a socket");
	if (connect(c->fd, (const struct sockaddr *)&k->address, k->n_address) < 0 &&
	    errno != EINPROGRESS)
		return err_errno(e, errno, "Failed to connect to key provider");
	rc = uv_poll_init(k->loop, &c->poll, c->fd);
	return rc < 0 ? err_set(e, rc, "watching a connection: %s", uv_strerror(rc)) : 0;
}

static int try_ask(struct key_provider_call *c, const void *quote, size_t n, struct err *e)
{
	struct key_provider *k = c->provider;
	int rc;

	if (k->is_stopping)
		return err_set(e, -ECANCELED, "stopped");
	if (k->n_calls >= KEY_PROVIDER_CALLS_MAX)
		return err_set(e, ERR_LIMIT, "%u requests are under way, try again", k->n_calls);
	rc = key_frame_request(&c->out, quote, n, e);
	return rc < 0 ? rc : open_call(c, e);
}

int key_provider_ask(struct key_provider *k, const void *quote, size_t n, key_provider_fn done,
		     void *arg, struct err *e)
{
	struct key_provider_call *c = xnew(struct key_provider_call);
	int rc;

	c->provider = k;
	c->fd = -1;
	c->in = BUF_MAX(KEY_FRAME_HEAD + READ_BLOCK);
	c->done = done;
	c->arg = arg;
	rc = try_ask(c, quote, n, e);
	if (rc < 0) {
		(void)fd_close(c->fd);
		buf_deinit(&c->out);
		free(c);
		return err_wrap(e, rc, "Failed to get sealing key from key provider");
	}
	(void)uv_timer_init(k->loop, &c->deadline);
	c->poll.data = c;
	c->deadline.data = c;
	c->n_handles = 2;
	k->n_handles += 2;
	k->n_calls++;
	LIST_INSERT_HEAD(&k->calls, c, link);
	(void)uv_timer_start(&c->deadline, on_deadline, k->timeout_ms, 0);
	(void)uv_poll_start(&c->poll, UV_READABLE | UV_WRITABLE, on_event);
	return 0;
}

int key_provider_start(struct key_provider **ret, uv_loop_t *loop, const char *address,
		       unsigned int timeout_ms, struct err *e)
{
	struct key_provider *k = xnew(struct key_provider);
	int rc = listen_parse(address, &k->address, &k->n_address);

	if (rc < 0) {
		free(k);
		return err_set(e, ERR_INPUT,
			       "'%s' is not an address; write 127.0.0.1:3443 or unix:/path",
			       address);
	}
	k->loop = loop;
	k->timeout_ms = timeout_ms ? timeout_ms : KEY_PROVIDER_TIMEOUT_MS;
	LIST_INIT(&k->calls);
	(void)uv_timer_init(loop, &k->ending);
	k->ending.data = k;
	k->n_handles = 1;
	*ret = k;
	return 0;
}

static void on_provider_closed(uv_handle_t *h)
{
	struct key_provider *k = h->data;

	k->n_handles--;
	release(k);
}

static void on_ending(uv_timer_t *t)
{
	struct key_provider *k = t->data;
	struct key_provider_call *c;
	struct err e;

	while ((c = LIST_FIRST(&k->calls))) {
		(void)err_set(&e, -ECANCELED, "stopped");
		end(c, NULL, &e);
	}
	uv_close((uv_handle_t *)t, on_provider_closed);
}

void key_provider_stop(struct key_provider *k, void (*done)(void *arg), void *arg)
{
	if (!k || k->is_stopping)
		return;
	k->is_stopping = true;
	k->done = done;
	k->done_arg = arg;
	(void)uv_timer_start(&k->ending, on_ending, 0, 0);
}
