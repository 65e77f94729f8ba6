/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/key_frame.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"

enum { NAME_MAX_BYTES = 32, DEPTH_MAX = 32, DIGITS_MAX = 4 /* "255," */ };

/* Decimal digits of @v and a comma.  Return: how many bytes. */
static size_t put_byte(uint8_t *to, uint8_t v)
{
	size_t n = 0;

	if (v >= 100)
		to[n++] = (uint8_t)('0' + v / 100);
	if (v >= 10)
		to[n++] = (uint8_t)('0' + v / 10 % 10);
	to[n++] = (uint8_t)('0' + v % 10);
	to[n++] = ',';
	return n;
}

/* "[1,2,255]" at the end of @b, which has room. */
static void put_array(struct buf *b, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t i;

	b->p[b->n++] = '[';
	for (i = 0; i < n; i++)
		b->n += put_byte(b->p + b->n, p[i]);
	if (n > 0)
		b->n--; /* the last comma */
	b->p[b->n++] = ']';
	b->p[b->n] = 0;
}

struct member {
	const char *name;
	const void *p;
	size_t n;
};

static int put_frame(struct buf *ret, const struct member *members, size_t n_members)
{
	size_t room = KEY_FRAME_HEAD + 2, i, body;
	int rc;

	for (i = 0; i < n_members; i++)
		room += NAME_MAX_BYTES + 2 + members[i].n * DIGITS_MAX;
	*ret = BUF_MAX(room);
	rc = buf_reserve(ret, room - 1); /* from here on all fits */
	if (rc < 0)
		return rc;
	(void)buf_add(ret, "\0\0\0\0", KEY_FRAME_HEAD);
	for (i = 0; i < n_members; i++) {
		(void)buf_addf(ret, "%s\"%s\":", i ? "," : "{", members[i].name);
		put_array(ret, members[i].p, members[i].n);
	}
	(void)buf_add_str(ret, "}");
	body = ret->n - KEY_FRAME_HEAD;
	for (i = 0; i < KEY_FRAME_HEAD; i++)
		ret->p[i] = (uint8_t)(body >> (24 - 8 * i));
	return 0;
}

int key_frame_request(struct buf *ret, const void *quote, size_t n, struct err *e)
{
	const struct member m = { "quote", quote, n };
	int rc;

	if (n > KEY_FRAME_QUOTE_MAX)
		return err_set(e, ERR_LIMIT, "Quote is too long");
	rc = put_frame(ret, &m, 1);
	return rc < 0 ? err_set(e, rc, "no memory for a quote of %zu bytes", n) : 0;
}

int key_frame_respond(struct buf *ret, const struct key_frame_answer *a, struct err *e)
{
	const struct member m[] = {
		{ "encrypted_key", a->encrypted_key.p, a->encrypted_key.n },
		{ "provider_quote", a->provider_quote.p, a->provider_quote.n },
	};
	int rc;

	if (m[0].n > KEY_FRAME_KEY_MAX || m[1].n > KEY_FRAME_QUOTE_MAX)
		return err_set(e, ERR_LIMIT, "an answer of more than a frame holds");
	rc = put_frame(ret, m, 2);
	return rc < 0 ? err_set(e, rc, "no memory for an answer") : 0;
}

int key_frame_length(const uint8_t head[static KEY_FRAME_HEAD], size_t *ret, struct err *e)
{
	struct rd r = rd_over(head, KEY_FRAME_HEAD);
	uint32_t n = rd_be32(&r);

	if (n == 0 || n > KEY_FRAME_MAX)
		return err_set(e, ERR_LIMIT, "frame of %u bytes; 1 to %d are taken", n,
			       KEY_FRAME_MAX);
	*ret = n;
	return 0;
}

static void skip_space(struct rd *r)
{
	while (rd_left(r) > 0 && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

static bool take_char(struct rd *r, char c)
{
	skip_space(r);
	if (rd_left(r) == 0 || *r->p != (uint8_t)c)
		return false;
	r->p++;
	return true;
}

static char peek(struct rd *r)
{
	skip_space(r);
	return rd_left(r) ? (char)*r->p : 0;
}

/* A string, its bytes between the quotes as they are.  @to may be NULL; a longer one is cut to "". */
static bool take_string(struct rd *r, char *to, size_t size)
{
	size_t n = 0;
	uint8_t c;

	if (!take_char(r, '"'))
		return false;
	while (rd_left(r) > 0 && (c = *r->p++) != '"') {
		if (c < ' ')
			return false;
		if (c == '\\' && rd_take(r, 1) == NULL)
			return false;
		if (to && n < size)
			to[n] = (char)c;
		n++;
	}
	if (to)
		to[n < size ? n : 0] = 0;
	return r->p[-1] == '"';
}

/* true, null, 12.5e3 */
static bool skip_word(struct rd *r)
{
	const uint8_t *from = r->p;

	while (rd_left(r) > 0 && memchr(",]} \t\r\n\"[{:", *r->p, 12) == NULL)
		r->p++;
	return r->p > from;
}

/* Any value we do not know: brackets are counted, what is between them is not judged. */
static bool skip_value(struct rd *r)
{
	unsigned int depth = 0;
	bool good = true;
	char c;

	do {
		c = peek(r);
		if (c == '{' || c == '[') {
			r->p++;
			good = ++depth <= DEPTH_MAX;
		} else if (c == '}' || c == ']') {
			r->p++;
			good = depth-- > 0;
		} else if ((c == ',' || c == ':') && depth > 0) {
			r->p++;
			continue;
		} else if (c == '"') {
			good = take_string(r, NULL, 0);
		} else {
			good = c != 0 && skip_word(r);
		}
	} while (good && depth > 0);
	return good;
}

/* 0..255, no sign, no leading zero. */
static bool take_byte(struct rd *r, uint8_t *ret)
{
	unsigned int v = 0;
	size_t n = 0;

	skip_space(r);
	while (rd_left(r) > 0 && *r->p >= '0' && *r->p <= '9' && n < 3) {
		if (n > 0 && v == 0)
			return false;
		v = v * 10 + (*r->p++ - (unsigned int)'0');
		n++;
	}
	*ret = (uint8_t)v;
	return n > 0 && v <= UINT8_MAX;
}

static bool take_bytes(struct rd *r, struct buf *to)
{
	uint8_t v;

	if (to->p || buf_add(to, "", 0) < 0 || !take_char(r, '['))
		return false; /* p is set: it was there before */
	if (take_char(r, ']'))
		return true;
	do {
		if (!take_byte(r, &v) || buf_add(to, &v, 1) < 0)
			return false;
	} while (take_char(r, ','));
	return take_char(r, ']');
}

/* Where the value of a member of that name goes. */
struct wanted {
	const char *name;
	struct buf *to;
};

static bool take_members(struct rd *r, const struct wanted *w, size_t n)
{
	char name[NAME_MAX_BYTES];
	bool good = take_char(r, '{');
	size_t i;

	if (good && take_char(r, '}'))
		return true;
	while (good) {
		good = take_string(r, name, sizeof(name)) && take_char(r, ':');
		if (!good)
			break;
		for (i = 0; i < n && strcmp(name, w[i].name) != 0; i++)
			;
		good = i < n ? take_bytes(r, w[i].to) : skip_value(r);
		if (good && !take_char(r, ','))
			return take_char(r, '}');
	}
	return false;
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0x00ff": the string ends where the digits do. */
static int take_hex(struct rd *r, struct buf *to)
{
	const uint8_t *end;
	int high, low;

	if (to->p || !take_char(r, '"'))
		return ERR_INPUT;
	while (rd_left(r) > 1 && r->p[0] == '0' && r->p[1] == 'x')
		r->p += 2;
	end = rd_left(r) ? memchr(r->p, '"', rd_left(r)) : NULL;
	if (!end || (end - r->p) % 2)
		return ERR_INPUT;
	if (buf_reserve(to, (size_t)(end - r->p) / 2) < 0)
		return ERR_LIMIT;
	for (; r->p < end; r->p += 2) {
		high = digit_of(r->p[0]);
		low = digit_of(r->p[1]);
		if (high < 0 || low < 0)
			return ERR_INPUT;
		to->p[to->n++] = (uint8_t)(high << 4 | low);
	}
	r->p++;
	return 0;
}

static int take_quote(struct rd *r, struct buf *to)
{
	char name[NAME_MAX_BYTES];
	int rc;

	if (!take_char(r, '{'))
		return ERR_INPUT;
	if (take_char(r, '}'))
		return 0;
	do {
		if (!take_string(r, name, sizeof(name)) || !take_char(r, ':'))
			return ERR_INPUT;
		if (strcmp(name, "quote") == 0)
			rc = take_hex(r, to);
		else
			rc = skip_value(r) ? 0 : ERR_INPUT;
		if (rc < 0)
			return rc;
	} while (take_char(r, ','));
	return take_char(r, '}') ? 0 : ERR_INPUT;
}

int key_frame_quote(const void *json, size_t n, struct buf *ret, struct err *e)
{
	struct buf quote = BUF_MAX(KEY_FRAME_QUOTE_MAX);
	struct rd r = rd_over(json, n);
	int rc = take_quote(&r, &quote);

	skip_space(&r);
	if (rc == 0 && !rd_done(&r))
		rc = ERR_INPUT;
	if (rc == 0) {
		*ret = quote;
		return 0;
	}
	buf_deinit(&quote);
	return rc == ERR_LIMIT ? err_set(e, rc, "Quote is too long")
			       : err_set(e, rc, "request is not {\"quote\":\"<hex>\"}");
}

/* All of @p as an object that has each of @w once. */
static bool take_object(const void *p, size_t n, const struct wanted *w, size_t n_wanted)
{
	struct rd r = rd_over(p, n);
	bool good = take_members(&r, w, n_wanted);
	size_t i;

	skip_space(&r);
	for (i = 0; i < n_wanted; i++)
		good = good && w[i].to->p;
	return good && rd_done(&r);
}

int key_frame_answer(const void *p, size_t n, struct key_frame_answer *ret, struct err *e)
{
	struct key_frame_answer a = { .encrypted_key = BUF_MAX(KEY_FRAME_KEY_MAX),
				      .provider_quote = BUF_MAX(KEY_FRAME_QUOTE_MAX) };
	const struct wanted w[] = { { "encrypted_key", &a.encrypted_key },
				    { "provider_quote", &a.provider_quote } };

	if (!take_object(p, n, w, 2)) {
		key_frame_answer_deinit(&a);
		return err_set(e, ERR_PROTO,
			       "response is not {\"encrypted_key\":[..], "
			       "\"provider_quote\":[..]}");
	}
	*ret = a;
	return 0;
}

int key_frame_asked(const void *p, size_t n, struct buf *ret, struct err *e)
{
	struct buf quote = BUF_MAX(KEY_FRAME_QUOTE_MAX);
	const struct wanted w = { "quote", &quote };

	if (!take_object(p, n, &w, 1)) {
		buf_deinit(&quote);
		return err_set(e, ERR_PROTO, "request is not {\"quote\":[..]} with at most 1 MiB");
	}
	*ret = quote;
	return 0;
}

void key_frame_answer_deinit(struct key_frame_answer *a)
{
	buf_deinit(&a->encrypted_key);
	buf_deinit(&a->provider_quote);
}
