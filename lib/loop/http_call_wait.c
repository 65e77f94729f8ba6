/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/http_exchange.h"
#include "loop/http_transfer.h"

enum { TIMEOUT_MS = 60 * 1000 };

DEFINE_AUTO(struct http_transfer *, transfer, http_transfer_free);

static int drive(struct http_exchange *x, unsigned int timeout_ms, struct err *e)
{
	uint64_t end = time_mono_ms() + timeout_ms;
	struct pollfd p = { .fd = x->fd };
	uint64_t now;
	int rc;

	while ((rc = http_exchange_step(x, e)) == 0) {
		now = time_mono_ms();
		if (now >= end)
			return err_set(e, -ETIMEDOUT, "no answer within %u ms", timeout_ms);
		p.events = (short)(POLLIN | (http_exchange_is_sending(x) ? POLLOUT : 0));
		if (poll(&p, 1, (int)(end - now)) < 0 && errno != EINTR)
			return err_errno(e, errno, "waiting for an answer");
	}
	return rc;
}

static int exchange(const struct http_call_options *o, struct http_answer *ret, struct err *e)
{
	struct http_exchange *x = xnew(struct http_exchange);
	int rc = http_exchange_init(x, o, e);

	if (rc == 0)
		rc = drive(x, o->timeout_ms ? o->timeout_ms : TIMEOUT_MS, e);
	if (rc > 0) {
		*ret = (struct http_answer){ .status = x->wire.status, .body = x->body };
		(void)str_copy(ret->content_type, sizeof(ret->content_type), x->wire.content_type);
		x->body = BUF_MAX(0);
		rc = 0;
	}
	http_exchange_deinit(x);
	free(x);
	return rc;
}

int http_call_wait(const struct http_call_options *o, struct http_answer *ret, struct err *e)
{
	__attribute__((cleanup(auto_transfer_fn))) struct http_transfer *t = NULL;
	int rc;

	if (o->fd >= 0)
		return exchange(o, ret, e);
	rc = http_transfer_new(&t, o, e);
	if (rc < 0)
		return rc;
	return http_transfer_result(t, curl_easy_perform(t->curl), ret, e);
}
