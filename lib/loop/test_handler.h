/* SPDX-License-Identifier: Apache-2.0 */
/* test_handler: a handler that tells what it was asked, or holds the request until the test answers */
#pragma once

#include "loop/test_http.h"

struct handler {
	struct test_http t;
	struct http_request *held[64];
	unsigned int n_held, n_calls, n_gone, n_closed;
	bool hold;
	int status;
	char last[512];
	size_t n_body;
	bool too_large;
	uint32_t uid;
	char peer[8];
	struct http_stream *stream;
	unsigned int n_drained;
};

static inline void test_on_gone(void *arg)
{
	((struct handler *)arg)->n_gone++;
}

static inline void test_on_request(struct http_request *r, void *arg)
{
	struct handler *h = arg;
	const char *peer = http_request_peer(r);
	const char *type = http_request_header(r, "content-type");

	h->n_calls++;
	(void)http_request_body(r, &h->n_body);
	h->too_large = http_request_too_large(r);
	h->uid = http_request_uid(r);
	(void)snprintf(h->peer, sizeof(h->peer), "%s", peer ? peer : "-");
	(void)snprintf(h->last, sizeof(h->last), "%s %s ?%s %s %.*s", http_request_method(r),
		       http_request_path(r), http_request_query(r), type ? type : "-",
		       (int)(h->n_body < 100 ? h->n_body : 100),
		       (const char *)http_request_body(r, &h->n_body));
	if (h->hold) {
		assert(h->n_held < sizeof(h->held) / sizeof(h->held[0]));
		http_request_on_gone(r, test_on_gone, h);
		h->held[h->n_held++] = r;
		return;
	}
	http_reply(r, h->status ? h->status : 200, "text/plain", h->last, strlen(h->last), NULL);
}

static inline void test_start(struct handler *h, struct http_server_options o)
{
	memset(h, 0, sizeof(*h));
	o.on_request = test_on_request;
	o.arg = h;
	test_server_start(&h->t, &o);
}

#define GET(path)  "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: x\r\n"
