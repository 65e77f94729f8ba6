/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_exchange.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "loop/http_client.h"

enum { READ_BLOCK = 4096, READS_AT_ONCE = 32 };
static const size_t reply_max_default = (size_t)10 * 1024 * 1024;

int http_exchange_init(struct http_exchange *x, const struct http_call_options *o, struct err *e)
{
	int rc;

	*x = (struct http_exchange){ .fd = o->fd };
	x->out = BUF_MAX(o->n_body + HTTP_WIRE_HEAD_MAX);
	x->body = BUF_MAX(o->reply_max ? o->reply_max : reply_max_default);
	rc = fd_set_nonblocking(x->fd, true);
	if (rc < 0)
		rc = err_errno(e, -rc, "using a connection");
	if (rc == 0)
		rc = http_wire_request(&x->out, o->method, o->url, o->content_type, o->n_body, e);
	if (rc == 0 && o->n_body)
		rc = buf_add(&x->out, o->body, o->n_body);
	if (rc < 0)
		http_exchange_deinit(x);
	return rc;
}

void http_exchange_deinit(struct http_exchange *x)
{
	x->fd = fd_close(x->fd);
	buf_deinit(&x->out);
	buf_deinit(&x->body);
}

bool http_exchange_is_sending(const struct http_exchange *x)
{
	return x->n_sent < x->out.n;
}

/* A peer that stops listening may still have answered: only reading decides. */
static void send_some(struct http_exchange *x)
{
	ssize_t n;

	while (http_exchange_is_sending(x)) {
		n = send(x->fd, x->out.p + x->n_sent, x->out.n - x->n_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			x->n_sent = x->out.n;
		if (n < 0)
			return;
		x->n_sent += (size_t)n;
	}
}

int http_exchange_step(struct http_exchange *x, struct err *e)
{
	uint8_t block[READ_BLOCK];
	ssize_t n;
	int i, rc;

	send_some(x);
	for (i = 0; i < READS_AT_ONCE; i++) {
		n = recv(x->fd, block, sizeof(block), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return err_errno(e, errno, "reading the answer");
		if (n == 0)
			return http_wire_end(&x->wire, e);
		rc = http_wire_feed(&x->wire, block, (size_t)n, &x->body, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}
