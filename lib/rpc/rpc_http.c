/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/rpc_http.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "loop/http_server.h"
#include "rpc/rpc.h"

static void answer(void *arg, int status, const char *content_type, const void *body, size_t n)
{
	static const struct http_header by_post[] = { { "Allow", "POST" }, { NULL, NULL } };

	http_reply(arg, status, content_type, body, n, status == 405 ? by_post : NULL);
}

static bool is_get(const struct http_request *r)
{
	return str_equal(http_request_method(r), "GET") ||
	       str_equal(http_request_method(r), "HEAD");
}

void rpc_http_refuse(struct http_request *r, int status, const char *message)
{
	const struct rpc_request q = {
		.is_get = is_get(r),
		.query = http_request_query(r),
		.content_type = http_request_header(r, "Content-Type"),
	};

	rpc_refuse_caller(&q, status, message, answer, r);
}

bool rpc_http_handle(const struct rpc_service *s, void *ctx, const char *mount,
		     struct http_request *r, const struct rpc_peer *peer)
{
	const char *path = http_request_path(r), *verb = http_request_method(r);
	struct rpc_request q = { .is_get = is_get(r) };

	assert(str_ends(mount, "/"));
	if (!q.is_get && !str_equal(verb, "POST"))
		return false;
	if (!str_starts(path, mount))
		return false;
	q.method = path + strlen(mount);
	if (q.method[0] == 0 || strchr(q.method, '/'))
		return false;
	q.query = http_request_query(r);
	q.content_type = http_request_header(r, "Content-Type");
	q.body = http_request_body(r, &q.n_body);
	if (http_request_too_large(r))
		rpc_refuse(&q, RPC_TOO_LARGE, answer, r);
	else
		rpc_dispatch(s, ctx, peer, &q, answer, r);
	return true;
}
