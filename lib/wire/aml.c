/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PkgLength counts itself, so changing what it covers may change its own size, and so the length of what is around.
 * A change is made innermost first: bytes, then each length outwards.  What lies outwards begins before it, so those
 * offsets stay right.
 */
#include "wire/aml.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

enum {
	OP_NAME = 0x08,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_METHOD = 0x14,
	OP_EXT = 0x5b,
	EXT_MUTEX = 0x01,
	EXT_REGION = 0x80,
	EXT_FIELD = 0x81,
	EXT_DEVICE = 0x82,
	EXT_PROCESSOR = 0x83,
	ROOT = '\\',
	PARENT = '^',
	DUAL = 0x2e,
	MULTI = 0x2f,
	ONE_BYTE = 64,	  /* a length below it takes one byte */
	TWO_BYTES = 4096, /* two */
	THREE_BYTES = 1 << 20,
};

static int malformed(size_t at, struct err *e)
{
	return err_set(e, ERR_PROTO, "AML at %zu is none that we know", at);
}

size_t aml_package_end(const struct aml *a, size_t *at, size_t end)
{
	size_t i, length, follow, begin = *at;

	if (begin >= end)
		return 0;
	follow = a->p[begin] >> 6;
	length = follow ? a->p[begin] & 0x0f : a->p[begin] & 0x3f;
	if (end - begin < follow + 1 || (follow && (a->p[begin] & 0x30)))
		return 0;
	for (i = 0; i < follow; i++)
		length |= (size_t)a->p[begin + 1 + i] << (4 + 8 * i);
	if (length < follow + 1 || length > end - begin)
		return 0;
	*at = begin + follow + 1;
	return begin + length;
}

static bool is_segment(const uint8_t *p)
{
	size_t i;

	for (i = 0; i < AML_SEGMENT; i++) {
		if (!((p[i] >= 'A' && p[i] <= 'Z') || p[i] == '_' ||
		      (i > 0 && p[i] >= '0' && p[i] <= '9')))
			return false;
	}
	return true;
}

/* How many segments follow, past what says so.  Return: -1: more than there can be. */
static int count_segments(const struct aml *a, size_t *at, size_t end)
{
	size_t left = end - *at;
	int count = 1;

	if (left >= 1 && a->p[*at] == 0) {
		(*at)++;
		count = 0;
	} else if (left >= 1 && a->p[*at] == DUAL) {
		(*at)++;
		count = 2;
	} else if (left >= 2 && a->p[*at] == MULTI) {
		count = a->p[*at + 1];
		*at += 2;
	}
	return count <= AML_DEPTH_MAX && end - *at >= (size_t)count * AML_SEGMENT ? count : -1;
}

/* Where a name begins: at the root, or so many scopes up.  Return: how much of the path stays. */
static size_t read_prefix(const struct aml *a, size_t *at, size_t end, const char *path, size_t n)
{
	if (*at < end && a->p[*at] == ROOT) {
		n = 0;
		(*at)++;
	}
	for (; *at < end && a->p[*at] == PARENT; (*at)++) {
		while (n > 0 && path[--n] != '.')
			;
	}
	return n;
}

/* Read a name at *@at into @path, of which @n bytes are the scope that it is in.  Return: whether it is one. */
static bool read_name(const struct aml *a, size_t *at, size_t end, char path[static AML_PATH_SIZE],
		      size_t n)
{
	int count;

	n = read_prefix(a, at, end, path, n);
	count = count_segments(a, at, end);
	if (count < 0)
		return false;
	for (; count > 0; count--, *at += AML_SEGMENT) {
		if (!is_segment(a->p + *at) || AML_PATH_SIZE - n < AML_SEGMENT + 2)
			return false;
		if (n > 0)
			path[n++] = '.';
		memcpy(path + n, a->p + *at, AML_SEGMENT);
		n += AML_SEGMENT;
	}
	path[n] = 0;
	return true;
}

/* Pass a constant: a number, a string, a buffer, a package.  Return: whether it is one. */
static bool pass_value(const struct aml *a, size_t *at, size_t end)
{
	static const uint8_t sizes[] = { [0x0a] = 1, [0x0b] = 2, [0x0c] = 4, [0x0e] = 8 };
	uint8_t op = *at < end ? a->p[*at] : 0x5b;
	const uint8_t *nul;

	if (op == 0x00 || op == 0x01 || op == 0xff) {
		(*at)++;
		return true;
	}
	(*at)++;
	if (op < sizeof(sizes) && sizes[op]) {
		if (*at > end || end - *at < sizes[op])
			return false;
		*at += sizes[op];
		return true;
	}
	if (op == 0x0d) {
		nul = memchr(a->p + *at, 0, end - *at);
		*at = nul ? (size_t)(nul - a->p) + 1 : *at;
		return nul != NULL;
	}
	if (op != OP_BUFFER && op != OP_PACKAGE)
		return false;
	*at = aml_package_end(a, at, end);
	return *at != 0;
}

/* A term that begins with 0x5b.  Return: whether it is known; its end in @t->n. */
static bool read_extended(const struct aml *a, size_t at, size_t end, struct aml_term *t,
			  size_t n_path)
{
	uint8_t op = at < end ? a->p[at] : 0;
	size_t i, stop;

	t->kind = op == EXT_DEVICE ? AML_DEVICE : AML_OTHER;
	at++;
	if (op == EXT_MUTEX || op == EXT_REGION) {
		if (!read_name(a, &at, end, t->path, n_path) || at >= end)
			return false;
		at++; /* flags, or the space */
		t->body = at;
		for (i = 0; op == EXT_REGION && i < 2; i++) { /* where, how much */
			if (!pass_value(a, &at, end))
				return false;
		}
		stop = at;
	} else if (op == EXT_DEVICE || op == EXT_FIELD || op == EXT_PROCESSOR) {
		stop = aml_package_end(a, &at, end);
		if (stop == 0 || !read_name(a, &at, stop, t->path, n_path))
			return false;
		t->body = at;
	} else {
		return false;
	}
	t->n = stop - t->at;
	return true;
}

static bool read_term(const struct aml *a, size_t at, size_t end, struct aml_term *t, size_t n_path)
{
	uint8_t op = a->p[at++];
	size_t stop;

	if (op == OP_EXT)
		return read_extended(a, at, end, t, n_path);
	if (op == OP_NAME) {
		t->kind = AML_NAME;
		if (!read_name(a, &at, end, t->path, n_path))
			return false;
		t->body = at;
		if (!pass_value(a, &at, end))
			return false;
		t->n = at - t->at;
		return true;
	}
	if (op != OP_SCOPE && op != OP_METHOD)
		return false;
	t->kind = op == OP_SCOPE ? AML_SCOPE : AML_METHOD;
	stop = aml_package_end(a, &at, end);
	if (stop == 0 || !read_name(a, &at, stop, t->path, n_path) ||
	    (op == OP_METHOD && at++ >= stop))
		return false;
	t->body = at;
	t->n = stop - t->at;
	return true;
}

struct aml_walk aml_walk_from(const struct aml *a, size_t at)
{
	struct aml_walk w = { .depth = 0 };

	w.at[0] = at < a->n ? at : a->n;
	w.end[0] = a->n;
	return w;
}

int aml_walk_next(const struct aml *a, struct aml_walk *w, struct aml_term *ret, struct err *e)
{
	size_t d, i;

	while (w->depth > 0 && w->at[w->depth] == w->end[w->depth])
		w->depth--;
	d = w->depth;
	if (w->at[d] == w->end[d])
		return 0;
	*ret = (struct aml_term){ .at = w->at[d], .depth = d };
	for (i = 0; i < d; i++)
		ret->outer[i] = w->begin[i + 1];
	memcpy(ret->path, w->path[d], sizeof(ret->path));
	if (!read_term(a, w->at[d], w->end[d], ret, strlen(ret->path)))
		return malformed(w->at[d], e);
	w->at[d] += ret->n;
	if (ret->kind != AML_SCOPE && ret->kind != AML_DEVICE)
		return 1;
	if (d == AML_DEPTH_MAX)
		return err_set(e, ERR_PROTO, "AML with more than %d scopes in each other",
			       AML_DEPTH_MAX);
	w->depth++;
	w->begin[d + 1] = ret->at;
	w->at[d + 1] = ret->body;
	w->end[d + 1] = ret->at + ret->n;
	memcpy(w->path[d + 1], ret->path, sizeof(ret->path));
	return 1;
}

int aml_find(const struct aml *a, size_t from, enum aml_kind kind, const char *path,
	     struct aml_term *ret, struct err *e)
{
	struct aml_walk w = aml_walk_from(a, from);
	int rc;

	while ((rc = aml_walk_next(a, &w, ret, e)) > 0) {
		if (ret->kind == kind && strcmp(ret->path, path) == 0)
			return 1;
	}
	return rc;
}

/* Put @n bytes in place of @n_old at @at.  Return: 0, -EMSGSIZE. */
static int put_bytes(struct aml *a, size_t at, size_t n_old, const void *p, size_t n, struct err *e)
{
	assert(at <= a->n && n_old <= a->n - at);
	if (n > n_old && a->cap - a->n < n - n_old)
		return err_set(e, -EMSGSIZE, "AML grows beyond %zu bytes", a->cap);
	memmove(a->p + at + n, a->p + at + n_old, a->n - at - n_old);
	if (n > 0)
		memcpy(a->p + at, p, n);
	a->n = a->n - n_old + n;
	return 0;
}

/* The length of what begins at @at is to become @body bytes and its own. */
static int mend_length(struct aml *a, size_t at, size_t n_length, size_t body, struct err *e)
{
	uint8_t bytes[4];
	struct aml_out o = { .p = bytes, .cap = sizeof(bytes) };

	aml_put_package_length(&o, body);
	return put_bytes(a, at, n_length, bytes, o.n, e);
}

/* Bytes that are to be others, and what they lie in. */
struct place {
	size_t outer[AML_DEPTH_MAX + 1], depth;
	size_t at, n;
};

static struct place place_of(const struct aml_term *t)
{
	struct place at = { .depth = t->depth, .at = t->at, .n = t->n };

	memcpy(at.outer, t->outer, t->depth * sizeof(*t->outer));
	return at;
}

static int splice(struct aml *a, const struct place *w, const void *p, size_t n, struct err *e)
{
	size_t bodies[AML_DEPTH_MAX + 1], lengths[AML_DEPTH_MAX + 1], begins[AML_DEPTH_MAX + 1];
	size_t i, pos, before, depth = w->depth, end = a->n;
	int rc;

	for (i = 0; i < depth; i++) {
		pos = begins[i] = w->outer[i] + (a->p[w->outer[i]] == OP_EXT ? 2 : 1);
		end = aml_package_end(a, &pos, end);
		if (end == 0)
			return malformed(w->outer[i], e);
		lengths[i] = pos - begins[i];
		bodies[i] = end - pos;
	}
	before = a->n;
	rc = put_bytes(a, w->at, w->n, p, n, e);
	while (rc == 0 && depth-- > 0) {
		/* what is in it has grown by as much as all has; unsigned, it wraps back where it shrank */
		rc = mend_length(a, begins[depth], lengths[depth], bodies[depth] + (a->n - before),
				 e);
	}
	return rc;
}

int aml_replace(struct aml *a, const struct aml_term *t, const void *p, size_t n, struct err *e)
{
	const struct place w = place_of(t);

	return splice(a, &w, p, n, e);
}

int aml_insert(struct aml *a, const struct aml_term *t, const void *p, size_t n, struct err *e)
{
	struct place w = place_of(t);

	w.n = 0;
	return splice(a, &w, p, n, e);
}

int aml_append(struct aml *a, const struct aml_term *t, const void *p, size_t n, struct err *e)
{
	struct place w = place_of(t);

	assert(t->kind == AML_SCOPE || t->kind == AML_DEVICE);
	w.outer[w.depth++] = t->at;
	w.at = t->at + t->n;
	w.n = 0;
	return splice(a, &w, p, n, e);
}

void aml_put(struct aml_out *o, const void *p, size_t n)
{
	if (o->is_full || o->cap - o->n < n) {
		o->is_full = true;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

void aml_put_int(struct aml_out *o, uint32_t v)
{
	uint8_t b[5] = { 0, (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	if (v <= 1) {
		aml_put(o, &b[1], 1);
		return;
	}
	b[0] = v <= UINT8_MAX ? 0x0a : v <= UINT16_MAX ? 0x0b : 0x0c;
	aml_put(o, b, v <= UINT8_MAX ? 2 : v <= UINT16_MAX ? 3 : 5);
}

void aml_put_package_length(struct aml_out *o, size_t body)
{
	size_t follow = body + 1 < ONE_BYTE	 ? 0
			: body + 2 < TWO_BYTES	 ? 1
			: body + 3 < THREE_BYTES ? 2
						 : 3;
	size_t i, length = body + follow + 1;
	uint8_t b[4] = { (uint8_t)length };

	if (follow) {
		b[0] = (uint8_t)(follow << 6 | (length & 0x0f));
		for (i = 0; i < follow; i++)
			b[1 + i] = (uint8_t)(length >> (4 + 8 * i));
	}
	aml_put(o, b, follow + 1);
}

size_t aml_begin(struct aml_out *o, unsigned int opcode)
{
	uint8_t op[2] = { (uint8_t)(opcode >> 8), (uint8_t)opcode };

	aml_put(o, opcode > UINT8_MAX ? op : op + 1, opcode > UINT8_MAX ? 2 : 1);
	return o->n;
}

void aml_end(struct aml_out *o, size_t begin)
{
	uint8_t bytes[4];
	struct aml_out length = { .p = bytes, .cap = sizeof(bytes) };
	size_t body = o->n - begin;

	if (o->is_full)
		return;
	assert(body < TWO_BYTES);
	aml_put_package_length(&length, body);
	aml_put(o, bytes, length.n);
	if (o->is_full)
		return;
	memmove(o->p + begin + length.n, o->p + begin, body);
	memcpy(o->p + begin, bytes, length.n);
}
