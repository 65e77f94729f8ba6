/* SPDX-License-Identifier: Apache-2.0 */
#include "host-api/guest_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "loop/http_client.h"

enum { METHOD_MAX = 64 };

struct guest_call {
	struct http_client *client;
	struct carrier_connect *connect; /* while connecting */
	struct http_call *call;		 /* after */
	uint64_t end_ms;
	char method[METHOD_MAX];
	guest_call_fn done;
	void *arg;
};

static void end(struct guest_call *c, const struct buf *json, const struct err *e)
{
	guest_call_fn done = c->done;
	void *arg = c->arg;

	free(c);
	if (json)
		done(arg, json->p ? (const char *)json->p : "", json->n, NULL);
	else
		done(arg, NULL, 0, e);
}

static void on_answer(void *arg, const struct http_answer *a, const struct err *why)
{
	struct guest_call *c = arg;
	struct err e = why ? *why : ERR_NONE;

	c->call = NULL;
	if (a && a->status == 200) {
		end(c, &a->body, NULL);
		return;
	}
	if (a) {
		(void)err_set(&e, ERR_PROTO, "Invalid status code: %d, path=%s?json", a->status,
			      c->method);
	} else {
		(void)err_wrap(&e, e.code, "calling %s of the guest", c->method);
	}
	end(c, NULL, &e);
}

static void on_connected(void *arg, int fd, const struct err *why)
{
	struct guest_call *c = arg;
	uint64_t now = time_mono_ms();
	struct err e = why ? *why : ERR_NONE;
	char url[METHOD_MAX + 64];
	struct http_call_options o = {
		.method = "POST",
		.url = url,
		.fd = fd,
		.body = "null",
		.n_body = strlen("null"),
		.reply_max = GUEST_CALL_REPLY_MAX,
		.timeout_ms = now < c->end_ms ? (unsigned int)(c->end_ms - now) : 1,
	};

	c->connect = NULL;
	(void)str_format(url, sizeof(url), "http://guest/api/%s?json", c->method);
	if (fd < 0)
		(void)err_wrap(&e, e.code, "calling %s of the guest", c->method);
	if (fd < 0 || http_call_start(c->client, &o, on_answer, c, &c->call, &e) < 0)
		end(c, NULL, &e);
}

int guest_call_start(struct guest_call **ret, const struct guest_call_options *o,
		     guest_call_fn done, void *arg, struct err *e)
{
	unsigned int timeout_ms = o->timeout_ms ? o->timeout_ms : GUEST_CALL_TIMEOUT_MS;
	struct carrier_connect_options to = { .loop = o->loop,
					      .address = o->address,
					      .port = CARRIER_GUEST_PORT };
	struct guest_call *c = xnew(struct guest_call);
	int rc = str_copy(c->method, sizeof(c->method), o->method);

	if (rc < 0)
		rc = err_set(e, rc, "method '%s' is too long", o->method);
	c->client = o->client;
	c->end_ms = time_mono_ms() + timeout_ms;
	c->done = done;
	c->arg = arg;
	to.timeout_ms = timeout_ms;
	if (rc >= 0)
		rc = carrier_connect(&c->connect, &to, on_connected, c, e);
	if (rc < 0) {
		free(c);
		return rc;
	}
	if (ret)
		*ret = c;
	return 0;
}

void guest_call_cancel(struct guest_call *c)
{
	if (!c)
		return;
	carrier_connect_cancel(c->connect);
	http_call_cancel(c->call);
	free(c);
}
