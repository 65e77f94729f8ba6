/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/http_wire.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

enum { CHUNK_DIGITS_MAX = 8, STATUS_DIGITS = 3 };

/* Visible ASCII: nothing that could end a line or a word early. */
static bool is_plain(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return false;
	}
	return true;
}

int http_wire_request(struct buf *ret, const char *method, const char *url,
		      const char *content_type, size_t n_body, struct err *e)
{
	const char *host = strstr(url, "://");
	const char *path;
	int rc;

	if (!host || !is_plain(url, strlen(url)) || !is_plain(method, strlen(method)))
		return err_set(e, ERR_INPUT, "'%s' is not a URL", url);
	host += strlen("://");
	path = host + strcspn(host, "/?");
	if (path == host)
		return err_set(e, ERR_INPUT, "'%s' is a URL without a host", url);
	rc = buf_addf(ret, "%s %s%s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n", method,
		      *path == '/' ? "" : "/", path, (int)(path - host), host);
	if (rc == 0 && content_type)
		rc = buf_addf(ret, "Content-Type: %s\r\n", content_type);
	if (rc == 0 && (n_body || strcmp(method, "GET") != 0))
		rc = buf_addf(ret, "Content-Length: %zu\r\n", n_body);
	if (rc == 0)
		rc = buf_add_str(ret, "\r\n");
	return rc < 0 ? err_set(e, rc, "request for '%s' is too long", url) : 0;
}

int http_wire_bearer(struct buf *head, const char *token, struct err *e)
{
	const char *p;
	int rc;

	for (p = token; *p > ' ' && *p < 0x7f; p++)
		continue;
	if (*p || p == token)
		return err_set(e, ERR_INPUT, "the token is not visible ASCII");
	head->n -= strlen("\r\n"); /* the empty line: it comes again */
	rc = buf_addf(head, "Authorization: Bearer %s\r\n\r\n", token);
	return rc < 0 ? err_set(e, rc, "the token is too long") : 0;
}

/* "HTTP/1.1 200 OK" */
static int take_status(struct http_wire *w, struct err *e)
{
	const char *p = w->line;
	uint32_t status;
	char digits[STATUS_DIGITS + 1] = "";

	if (!str_starts(p, "HTTP/1.") || !isdigit((unsigned char)p[7]) || p[8] != ' ')
		return err_set(e, ERR_PROTO, "the answer is not HTTP/1.x");
	memcpy(digits, p + 9, strnlen(p + 9, STATUS_DIGITS));
	if (num_parse_u32(digits, 100, 999, &status) < 0 || (p[12] != ' ' && p[12] != 0))
		return err_set(e, ERR_PROTO, "the answer has no status");
	w->status = (int)status;
	w->has_length = false;
	w->is_chunked = false;
	w->state = HTTP_WIRE_HEADER;
	return 0;
}

static bool has_body(const struct http_wire *w)
{
	return w->status != 204 && w->status != 304;
}

/* The empty line after the head: what follows? */
static int end_head(struct http_wire *w, struct err *e)
{
	if (w->is_chunked && w->has_length)
		return err_set(e, ERR_PROTO, "the answer has two lengths");
	if (w->status < 200)
		w->state = HTTP_WIRE_STATUS; /* 100 Continue and the like: the answer follows */
	else if (!has_body(w) || (w->has_length && w->left == 0))
		w->state = HTTP_WIRE_DONE;
	else if (w->is_chunked)
		w->state = HTTP_WIRE_CHUNK_SIZE;
	else
		w->state = w->has_length ? HTTP_WIRE_BODY_COUNTED : HTTP_WIRE_BODY_TO_END;
	return 0;
}

static int take_length(struct http_wire *w, const char *value, struct err *e)
{
	uint64_t n;

	if (num_parse_u64(value, 0, INT64_MAX, &n) < 0 || (w->has_length && n != w->left))
		return err_set(e, ERR_PROTO, "the answer has a bad Content-Length");
	w->has_length = true;
	w->left = n;
	return 0;
}

static int take_header(struct http_wire *w, struct err *e)
{
	char *value = strchr(w->line, ':');
	size_t n;

	if (w->line[0] == 0)
		return end_head(w, e);
	if (!value || !is_plain(w->line, (size_t)(value - w->line)))
		return err_set(e, ERR_PROTO, "the answer has a bad header");
	*value++ = 0;
	value += strspn(value, " \t");
	for (n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		value[n - 1] = 0;
	if (strcasecmp(w->line, "Content-Length") == 0)
		return take_length(w, value, e);
	if (strcasecmp(w->line, "Content-Type") == 0)
		(void)str_copy(w->content_type, sizeof(w->content_type), value);
	if (strcasecmp(w->line, "Transfer-Encoding") == 0) {
		if (w->is_chunked || strcasecmp(value, "chunked") != 0) {
			return err_set(e, ERR_PROTO, "the answer has an unknown transfer encoding");
		}
		w->is_chunked = true;
	}
	return 0;
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "1a2b" or "1a2b;extension" */
static int take_chunk_size(struct http_wire *w, struct err *e)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; hex_of(w->line[i]) >= 0; i++) {
		if (i >= CHUNK_DIGITS_MAX)
			return err_set(e, ERR_LIMIT, "the answer has a chunk that is too large");
		n = n << 4 | (uint64_t)hex_of(w->line[i]);
	}
	if (i == 0 || (w->line[i] != 0 && w->line[i] != ';'))
		return err_set(e, ERR_PROTO, "the answer has a bad chunk");
	w->left = n;
	w->state = n ? HTTP_WIRE_CHUNK_DATA : HTTP_WIRE_TRAILER;
	return 0;
}

static int take_line(struct http_wire *w, size_t n, struct err *e)
{
	bool is_head = w->state == HTTP_WIRE_STATUS || w->state == HTTP_WIRE_HEADER;

	if (is_head && n > 0 && w->on_header && w->on_header(w->line, n, w->arg) < 0)
		return err_set(e, ERR_PROTO, "the answer has a header that is of no use");
	if (w->state == HTTP_WIRE_STATUS)
		return take_status(w, e);
	if (w->state == HTTP_WIRE_HEADER)
		return take_header(w, e);
	if (w->state == HTTP_WIRE_CHUNK_SIZE)
		return take_chunk_size(w, e);
	if (w->state == HTTP_WIRE_TRAILER) {
		if (w->line[0] == 0)
			w->state = HTTP_WIRE_DONE;
		return 0;
	}
	/* HTTP_WIRE_CHUNK_END */
	if (w->line[0] != 0)
		return err_set(e, ERR_PROTO, "the answer has a chunk that does not end");
	w->state = HTTP_WIRE_CHUNK_SIZE;
	return 0;
}

static bool in_body(const struct http_wire *w)
{
	return w->state == HTTP_WIRE_BODY_COUNTED || w->state == HTTP_WIRE_BODY_TO_END ||
	       w->state == HTTP_WIRE_CHUNK_DATA;
}

/* Return: bytes used, or negative. */
static ssize_t feed_body(struct http_wire *w, const char *p, size_t n, struct buf *body,
			 struct err *e)
{
	if (w->state != HTTP_WIRE_BODY_TO_END && n > w->left)
		n = (size_t)w->left;
	if (buf_add(body, p, n) < 0)
		return err_set(e, ERR_LIMIT, "the answer has more than %zu bytes", body->max);
	if (w->state == HTTP_WIRE_BODY_TO_END)
		return (ssize_t)n;
	w->left -= n;
	if (w->left == 0)
		w->state =
			w->state == HTTP_WIRE_BODY_COUNTED ? HTTP_WIRE_DONE : HTTP_WIRE_CHUNK_END;
	return (ssize_t)n;
}

/* Collect bytes up to the end of the line.  Chunk lines count as head: trailers and extensions too. */
static ssize_t feed_line(struct http_wire *w, const char *p, size_t n, struct err *e)
{
	const char *end = memchr(p, '\n', n);
	size_t used = end ? (size_t)(end - p) + 1 : n;
	size_t text = end ? used - 1 : used, length;
	int rc;

	if (text >= sizeof(w->line) - w->n_line || memchr(p, 0, text))
		return err_set(e, ERR_PROTO, "the answer has a line that is too long or not text");
	memcpy(w->line + w->n_line, p, text);
	w->n_line += text;
	if (w->state != HTTP_WIRE_CHUNK_SIZE && w->state != HTTP_WIRE_CHUNK_END)
		w->n_head += used;
	if (w->n_head > HTTP_WIRE_HEAD_MAX)
		return err_set(e, ERR_LIMIT, "the answer has a head that is too long");
	if (!end)
		return (ssize_t)used;
	if (w->n_line > 0 && w->line[w->n_line - 1] == '\r')
		w->n_line--;
	w->line[w->n_line] = 0;
	length = w->n_line;
	w->n_line = 0;
	rc = take_line(w, length, e);
	return rc < 0 ? rc : (ssize_t)used;
}

int http_wire_feed(struct http_wire *w, const void *p, size_t n, struct buf *body, struct err *e)
{
	const char *at = p;
	ssize_t used;

	while (n > 0 && w->state != HTTP_WIRE_DONE) {
		used = in_body(w) ? feed_body(w, at, n, body, e) : feed_line(w, at, n, e);
		if (used < 0)
			return (int)used;
		at += used;
		n -= (size_t)used;
	}
	return w->state == HTTP_WIRE_DONE;
}

int http_wire_end(struct http_wire *w, struct err *e)
{
	if (w->state == HTTP_WIRE_BODY_TO_END)
		w->state = HTTP_WIRE_DONE;
	if (w->state == HTTP_WIRE_DONE)
		return 1;
	if (w->state == HTTP_WIRE_STATUS && w->n_line == 0)
		return err_set(e, ERR_PROTO, "the connection was closed without an answer");
	return err_set(e, ERR_PROTO, "the connection was closed in the middle of the answer");
}
