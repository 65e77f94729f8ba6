/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/pages_h2.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/rd.h"
#include "base/str.h"

enum {
	FRAME_HEADER = 9,
	FRAME_MAX = 16384, /* until we said otherwise, and we do not */
	BLOCK_LOOK = 16,   /* bytes of a request's payload that are looked at */
};

enum frame_type {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};

enum {
	FLAG_ACK = 1,
	FLAG_END_STREAM = 1,
	FLAG_END_HEADERS = 4,
	FLAG_PADDED = 8,
	FLAG_PRIORITY = 32
};

enum h2_error { NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR = 6, ENHANCE_YOUR_CALM = 11 };

/* Static table of HPACK. */
enum {
	NAME_STATUS = 8,
	NAME_CACHE_CONTROL = 24,
	NAME_CONTENT_LENGTH = 28,
	NAME_CONTENT_TYPE = 31,
	NAME_RETRY_AFTER = 53,
	FIELD_GET = 0x82
};

const uint8_t pages_h2_hello[PAGES_H2_HELLO] = { 0, 0, 0, SETTINGS, 0, 0, 0, 0, 0 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct frame {
	uint32_t n, stream;
	uint8_t type, flags;
};

static void write_frame(struct buf *b, uint32_t n, uint8_t type, uint8_t flags, uint32_t stream)
{
	const uint8_t h[FRAME_HEADER] = { (uint8_t)(n >> 16),
					  (uint8_t)(n >> 8),
					  (uint8_t)n,
					  type,
					  flags,
					  (uint8_t)(stream >> 24),
					  (uint8_t)(stream >> 16),
					  (uint8_t)(stream >> 8),
					  (uint8_t)stream };

	(void)buf_add(b, h, sizeof(h));
}

static void write_be32(struct buf *b, uint32_t v)
{
	const uint8_t p[] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			      (uint8_t)v };

	(void)buf_add(b, p, sizeof(p));
}

static enum pages_verdict leave(struct buf *b, uint32_t last, enum h2_error why)
{
	write_frame(b, 8, GOAWAY, 0, 0);
	write_be32(b, last);
	write_be32(b, why);
	return PAGES_ANSWERED;
}

/* A field whose name is in the static table, as a literal that nobody indexes (RFC 7541 6.2.2). */
static void write_field(struct buf *b, uint8_t name, const char *value)
{
	uint8_t head[3];
	size_t n = 0;

	if (name < 15) {
		head[n++] = name;
	} else {
		head[n++] = 15;
		head[n++] = (uint8_t)(name - 15);
	}
	head[n++] = (uint8_t)strlen(value); /* below 127: one byte, and no Huffman code */
	(void)buf_add(b, head, n);
	(void)buf_add_str(b, value);
}

static enum pages_verdict respond(enum conn_page page, const struct frame *request, bool is_get,
				  struct buf *ret)
{
	const struct pages_trouble *t = pages_trouble(page);
	char status[4] = "", length[8], body[PAGES_TROUBLE_MAX];
	auto_buf struct buf block = BUF_MAX(256);
	size_t n = pages_trouble_body(t, body);

	memcpy(status, t->status, 3);
	(void)str_format(length, sizeof(length), "%zu", n);
	write_field(&block, NAME_STATUS, status);
	write_field(&block, NAME_CACHE_CONTROL, "no-store");
	if (t->retry_after)
		write_field(&block, NAME_RETRY_AFTER, t->retry_after);
	if (is_get) {
		write_field(&block, NAME_CONTENT_TYPE, "text/html; charset=utf-8");
		write_field(&block, NAME_CONTENT_LENGTH, length);
	}
	write_frame(ret, 0, SETTINGS, FLAG_ACK, 0);
	write_frame(ret, (uint32_t)block.n, HEADERS,
		    (uint8_t)(is_get ? FLAG_END_HEADERS : FLAG_END_HEADERS | FLAG_END_STREAM),
		    request->stream);
	(void)buf_add(ret, block.p, block.n);
	if (is_get) {
		write_frame(ret, (uint32_t)n, DATA, FLAG_END_STREAM, request->stream);
		(void)buf_add(ret, body, n);
	}
	if (!(request->flags & FLAG_END_STREAM)) { /* what it would still send is not wanted */
		write_frame(ret, 4, RST_STREAM, 0, request->stream);
		write_be32(ret, NO_ERROR);
	}
	return leave(ret, request->stream, NO_ERROR);
}

/* Does its header block begin with ":method: GET"?  @n: what of the payload is there. */
static bool is_get(const struct frame *f, const uint8_t *p, size_t n)
{
	size_t at = (f->flags & FLAG_PADDED ? 1U : 0U) + (f->flags & FLAG_PRIORITY ? 5U : 0U);

	while (at < n && (p[at] & 0xe0) == 0x20 && (p[at] & 0x1f) != 0x1f)
		at++; /* a new size of the table, in one byte */
	return at < n && p[at] == FIELD_GET;
}

enum of_stream { ANY, NO_STREAM, A_STREAM, A_REQUEST, NEVER };

/* What must hold of each frame before the first request; a stream is not there yet. */
static const struct rule {
	enum of_stream stream;
	uint32_t n, step; /* its length; step: or a multiple of it */
} rules[] = {
	[DATA] = { .stream = NEVER },
	[HEADERS] = { .stream = A_REQUEST, .step = 1 },
	[PRIORITY] = { .stream = A_STREAM, .n = 5 },
	[RST_STREAM] = { .stream = NEVER },
	[SETTINGS] = { .stream = NO_STREAM, .step = 6 },
	[PUSH_PROMISE] = { .stream = NEVER },
	[PING] = { .stream = NO_STREAM, .n = 8 },
	[GOAWAY] = { .stream = ANY, .step = 1 },
	[WINDOW_UPDATE] = { .stream = ANY, .n = 4 },
	[CONTINUATION] = { .stream = NEVER },
};

static bool is_of(enum of_stream want, const struct frame *f)
{
	switch (want) {
	case ANY:
		return true;
	case NO_STREAM:
		return f->stream == 0;
	case A_STREAM:
		return f->stream != 0;
	case A_REQUEST:
		return f->stream % 2 == 1 && f->n > 0;
	case NEVER:
		break;
	}
	return false;
}

/* Return: NO_ERROR: go on. */
static enum h2_error check(const struct frame *f, bool is_first)
{
	const bool is_ack = f->type == SETTINGS && f->flags & FLAG_ACK;
	const struct rule *r;

	if (f->n > FRAME_MAX)
		return FRAME_SIZE_ERROR;
	if (is_first && (f->type != SETTINGS || is_ack))
		return PROTOCOL_ERROR;
	if (f->type >= sizeof(rules) / sizeof(rules[0]))
		return NO_ERROR; /* ours to ignore (RFC 9113 4.1) */
	r = &rules[f->type];
	if (!is_of(r->stream, f))
		return PROTOCOL_ERROR;
	if (is_ack && f->n)
		return FRAME_SIZE_ERROR;
	return (r->step ? f->n % r->step == 0 : f->n == r->n) ? NO_ERROR : FRAME_SIZE_ERROR;
}

static bool read_frame(struct rd *r, struct frame *ret)
{
	ret->n = (uint32_t)rd_be(r, 3);
	ret->type = rd_u8(r);
	ret->flags = rd_u8(r);
	ret->stream = rd_be32(r) & INT32_MAX;
	return !r->failed;
}

static enum pages_verdict wait_for_more(size_t n, struct buf *ret)
{
	if (n < PAGES_HEAD_MAX)
		return PAGES_MORE;
	return leave(ret, 0, ENHANCE_YOUR_CALM);
}

enum pages_verdict pages_h2_answer(enum conn_page page, const void *p, size_t n, struct buf *ret)
{
	const size_t n_preface = sizeof(preface) - 1;
	struct rd r = rd_over(p, n);
	enum h2_error error;
	const uint8_t *at;
	bool is_first = true;
	struct frame f;
	size_t n_look;

	if (n > 0 && memcmp(p, preface, n < n_preface ? n : n_preface) != 0)
		return PAGES_NOT_HTTP;
	for ((void)rd_take(&r, n_preface); read_frame(&r, &f); is_first = false) {
		error = check(&f, is_first);
		if (error)
			return leave(ret, 0, error);
		if (f.type == GOAWAY)
			return PAGES_NOT_HTTP; /* it leaves without a question */
		n_look = f.type == HEADERS && f.n > BLOCK_LOOK ? BLOCK_LOOK : f.n;
		at = rd_take(&r, n_look);
		if (!at)
			break;
		if (f.type == HEADERS)
			return respond(page, &f, is_get(&f, at, n_look), ret);
	}
	return wait_for_more(n, ret);
}
