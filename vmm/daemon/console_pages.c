/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/console_pages.h"

#include <string.h>

#include "base/str.h"
#include "console/console.h"
#include "daemon/api.h"
#include "daemon/console_compile.h"
#include "loop/http_server.h"

static void serve_file(struct http_request *r, const char *name)
{
	const struct console_file *f = console_find(name);
	const struct http_header headers[] = {
		{ "Cache-Control", "no-cache" },
		{ "ETag", f ? f->etag : "" },
		{ NULL, NULL },
	};

	if (!f)
		api_text(r, 404, "Not found\n");
	else if (console_is_known(f, http_request_header(r, "If-None-Match")))
		http_reply(r, 304, f->type, "", 0, headers);
	else
		http_reply(r, 200, f->type, f->bytes, f->n, headers);
}

bool console_serve(struct daemon *d, struct http_request *r)
{
	const char *path = http_request_path(r), *method = http_request_method(r);
	bool is_index = str_equal(path, "/") || str_equal(path, "/v1");
	bool is_read = str_equal(method, "GET") || str_equal(method, "HEAD");

	if (str_equal(path, "/console/compile")) {
		if (str_equal(method, "POST"))
			console_compile(d, r);
		else
			api_text(r, 405, "only POST is answered here\n");
		return true;
	}
	if (!is_index && !str_starts(path, "/res/"))
		return false;
	if (!is_read)
		api_text(r, 405, "only GET is answered here\n");
	else
		serve_file(r, is_index ? "index.html" : path + strlen("/res/"));
	return true;
}
