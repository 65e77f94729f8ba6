/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pages.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const char *const methods[] = { "GET ",	   "HEAD ",  "POST ",	 "PUT ",   "DELETE ",
				       "OPTIONS ", "PATCH ", "CONNECT ", "TRACE ", NULL };

static const char html[] = "text/html; charset=utf-8", json[] = "application/json",
		  pem[] = "application/x-pem-file";

static enum pages_verdict answer(struct buf *ret, const char *status, const char *type,
				 const char *extra, const char *body, size_t n, bool is_head)
{
	(void)buf_addf(ret,
		       "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\nCache-Control: "
		       "no-store\r\n",
		       status, n);
	if (type)
		(void)buf_addf(ret, "Content-Type: %s\r\n", type);
	(void)buf_addf(ret, "%s\r\n", extra);
	if (!is_head)
		(void)buf_add(ret, body, n);
	return PAGES_ANSWERED;
}

static enum pages_verdict empty(struct buf *ret, const char *status, const char *extra)
{
	return answer(ret, status, NULL, extra, "", 0, false);
}

/* Does it begin as a request does?  PAGES_ANSWERED: yes. */
static enum pages_verdict look(const char *p, size_t n)
{
	size_t i;

	for (i = 0; methods[i]; i++) {
		size_t n_method = strlen(methods[i]);

		if (n >= n_method && memcmp(p, methods[i], n_method) == 0)
			return PAGES_ANSWERED;
		if (n < n_method && memcmp(p, methods[i], n) == 0)
			return PAGES_MORE;
	}
	return PAGES_NOT_HTTP;
}

const struct pages_trouble *pages_trouble(enum conn_page page)
{
	static const struct pages_trouble bad = { "502 Bad Gateway", NULL,
						  "The app did not take the connection." };
	static const struct pages_trouble none = {
		"503 Service Unavailable", "5",
		"The app has no instance that can take a connection now."
	};
	static const struct pages_trouble late = { "504 Gateway Timeout", NULL,
						   "The app did not take the connection in time." };

	return page == PAGE_503 ? &none : page == PAGE_504 ? &late : &bad;
}

size_t pages_trouble_body(const struct pages_trouble *t, char ret[static PAGES_TROUBLE_MAX])
{
	int n = str_format(
		ret, PAGES_TROUBLE_MAX,
		"<!doctype html><html lang=\"en\"><title>%s</title><h1>%s</h1><p>%s</p></html>\n",
		t->status, t->status, t->text);

	return n > 0 ? (size_t)n : 0;
}

static enum pages_verdict trouble_page(enum conn_page page, bool is_head, struct buf *ret)
{
	const struct pages_trouble *t = pages_trouble(page);
	char body[PAGES_TROUBLE_MAX], retry[32] = "";
	size_t n = pages_trouble_body(t, body);

	if (t->retry_after)
		(void)str_format(retry, sizeof(retry), "Retry-After: %s\r\n", t->retry_after);
	return answer(ret, t->status, html, retry, body, n, is_head);
}

/* The path of a request line, without its query.  Return: is there a whole one? */
static bool path_of(const char *p, size_t n, const char **ret, size_t *ret_n)
{
	const char *line_end = memmem(p, n, "\r\n", 2), *space, *end, *query;

	if (!line_end)
		return false;
	space = memchr(p, ' ', (size_t)(line_end - p));
	end = space ? memmem(space + 1, (size_t)(line_end - space - 1), " HTTP/1.", 8) : NULL;
	if (!end)
		return false;
	query = memchr(space + 1, '?', (size_t)(end - space - 1));
	*ret = space + 1;
	*ret_n = (size_t)((query ? query : end) - space - 1);
	return true;
}

static bool is_path(const char *p, size_t n, const char *want)
{
	return n == strlen(want) && memcmp(p, want, n) == 0;
}

static enum pages_verdict text_page(const struct pages_text *t, const char *type,
				    const char *otherwise, struct buf *ret)
{
	return t->p ? answer(ret, "200 OK", type, "", t->p, t->n, false)
		    : empty(ret, otherwise, "");
}

static enum pages_verdict gateway_page(const char *p, size_t n, const struct pages_texts *texts,
				       struct buf *ret)
{
	static const char index[] =
		"{\"type\":\"dstack gateway\",\"paths\":[\"/index\",\"/app-info\",\"/acme-info\"]}";
	static const char prefix[] = "/.dstack";
	const size_t n_prefix = sizeof(prefix) - 1;

	if (is_path(p, n, "/health"))
		return empty(ret, "200 OK", "");
	while (n >= n_prefix && memcmp(p, prefix, n_prefix) == 0) {
		p += n_prefix;
		n -= n_prefix;
	}
	if (is_path(p, n, "/index"))
		return answer(ret, "200 OK", json, "", index, sizeof(index) - 1, false);
	if (is_path(p, n, "/acme-info"))
		return text_page(&texts->acme_info, json, "503 Service Unavailable", ret);
	if (is_path(p, n, "/app-info"))
		return text_page(&texts->app_info, json, "503 Service Unavailable", ret);
	if (is_path(p, n, "/dev-ca"))
		return text_page(&texts->dev_ca, pem, "404 Not Found", ret);
	return empty(ret, "404 Not Found", "");
}

enum pages_verdict pages_answer(enum conn_page page, const void *request, size_t n,
				const struct pages_texts *texts, struct buf *ret)
{
	enum pages_verdict v = look(request, n);
	const char *head = request, *path;
	size_t n_path;

	if (v != PAGES_ANSWERED)
		return v;
	if (page != PAGE_GATEWAY && page != PAGE_HEALTH)
		return trouble_page(page, n >= 5 && memcmp(head, "HEAD ", 5) == 0, ret);
	if (!memmem(head, n, "\r\n\r\n", 4)) {
		if (n < PAGES_HEAD_MAX)
			return PAGES_MORE;
		return empty(ret, "431 Request Header Fields Too Large", "");
	}
	if (!path_of(head, n, &path, &n_path))
		return empty(ret, "400 Bad Request", "");
	if (page == PAGE_HEALTH) {
		if (memcmp(head, "GET ", 4) == 0 && is_path(path, n_path, "/"))
			return empty(ret, "200 OK", "");
		return empty(ret, "404 Not Found", "");
	}
	if (memcmp(head, "GET ", 4) != 0)
		return empty(ret, "405 Method Not Allowed", "Allow: GET\r\n");
	return gateway_page(path, n_path, texts, ret);
}
