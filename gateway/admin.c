/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "loop/http_server.h"
#include "loop/listen.h"

enum { CONNS_MAX = 16, BODY_MAX = 1024 };

static const char text[] = "text/plain; version=0.0.4; charset=utf-8", json[] = "application/json";

static void reply_text(struct http_request *r, int status, const char *what)
{
	http_reply(r, status, text, what, strlen(what), NULL);
}

bool admin_page(const struct gateway *g, struct http_request *r)
{
	auto_buf struct buf b = BUF_MAX(METRICS_BYTES);
	const char *path = http_request_path(r);

	if (!str_equal(http_request_method(r), "GET"))
		return false;
	if (str_equal(path, "/metrics")) {
		metrics_write(g, &b);
		http_reply(r, 200, text, b.p, b.n, NULL);
	} else if (str_equal(path, "/routes")) {
		metrics_routes(g, &b);
		http_reply(r, 200, json, b.p, b.n, NULL);
	} else if (str_equal(path, "/healthz")) {
		reply_text(r, 200, "ok\n");
	} else if (str_equal(path, "/readyz")) {
		if (g->is_draining)
			reply_text(r, 503, "draining\n");
		else
			reply_text(r, 200, "ok\n");
	} else {
		return false;
	}
	return true;
}

static void on_request(struct http_request *r, void *arg)
{
	if (admin_page(arg, r))
		return;
	if (str_equal(http_request_method(r), "GET"))
		reply_text(r, 404, "pages: /metrics /routes /healthz /readyz\n");
	else
		reply_text(r, 405, "only GET is known here\n");
}

int admin_start(struct gateway *g, struct err *e)
{
	struct http_server_options o = {
		.conns_max = CONNS_MAX, .body_max = BODY_MAX, .on_request = on_request, .arg = g
	};
	int fd, rc = http_server_start(&g->admin, g->loop, &o, e);

	if (rc)
		return rc;
	fd = listen_unix(g->config->admin, 0660, e);
	return fd < 0 ? fd : http_server_listen(g->admin, fd, NULL, 0, e);
}
