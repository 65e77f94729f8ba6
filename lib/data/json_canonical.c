/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8785, in one pass over the tree with a stack of our own.
 *
 * jansson's sorted output is not it: that sorts by bytes where the RFC sorts by UTF-16 units, and
 * writes control characters in upper-case hex.
 */
#include "data/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

enum { SAFE_INTEGER_BITS = 53, TEXT_MAX = 64 * 1024 * 1024 };

/* A container that is being written; keys only for objects. */
struct level {
	const json_t *node;
	const char **keys;
	size_t n, at;
};

struct canonical {
	struct buf out;
	bool failed;
	struct level stack[JSON_DEPTH_MAX];
	size_t depth;
};

static void add(struct canonical *c, const char *s, size_t n)
{
	if (buf_add(&c->out, s, n) < 0)
		c->failed = true;
}

static void add_str(struct canonical *c, const char *s)
{
	add(c, s, strlen(s));
}

/* The next code point of valid UTF-8. */
static uint32_t code_point(const char **s)
{
	const uint8_t *p = (const uint8_t *)*s;
	size_t more = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	uint32_t cp = more ? p[0] & (0x3fu >> more) : p[0];
	size_t i;

	for (i = 1; i <= more; i++)
		cp = cp << 6 | (p[i] & 0x3fu);
	*s += more + 1;
	return cp;
}

/* The first UTF-16 unit of a code point decides: surrogates sort before U+E000. */
static uint32_t utf16_rank(uint32_t cp)
{
	return cp < 0x10000 ? cp << 16 : (0xd800 + ((cp - 0x10000) >> 10)) << 16 | (cp & 0x3ff);
}

static int by_utf16(const void *a, const void *b)
{
	const char *p = *(const char *const *)a, *q = *(const char *const *)b;
	uint32_t x, y;

	do {
		x = code_point(&p);
		y = code_point(&q);
	} while (x == y && x != 0);
	if (x == y)
		return 0;
	return utf16_rank(x) < utf16_rank(y) ? -1 : 1;
}

static void put_string(struct canonical *c, const char *s)
{
	static const char named[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	char escape[8];
	const char *hit;
	size_t i;

	add_str(c, "\"");
	for (; *s; s++) {
		hit = NULL;
		for (i = 0; i + 1 < sizeof(named) && !hit; i += 2)
			hit = named[i] == *s ? &named[i + 1] : NULL;
		if (hit)
			(void)str_format(escape, sizeof(escape), "\\%c", *hit);
		else if ((unsigned char)*s < 0x20)
			(void)str_format(escape, sizeof(escape), "\\u%04x", (unsigned int)*s);
		else
			(void)str_format(escape, sizeof(escape), "%c", *s);
		add_str(c, escape);
	}
	add_str(c, "\"");
}

static void push(struct canonical *c, const json_t *j)
{
	struct level *l;
	const char *key;
	json_t *value;
	size_t i = 0;

	if (c->depth == JSON_DEPTH_MAX) {
		c->failed = true;
		return;
	}
	l = &c->stack[c->depth++];
	*l = (struct level){ .node = j,
			     .n = json_is_array(j) ? json_array_size(j) : json_object_size(j) };
	if (json_is_object(j)) {
		l->keys = xcalloc(l->n + 1, sizeof(const char *));
		json_object_foreach(json_unconst(j), key, value)
			l->keys[i++] = key;
		qsort(l->keys, l->n, sizeof(const char *), by_utf16);
	}
	add_str(c, l->keys ? "{" : "[");
}

static void pop(struct canonical *c)
{
	struct level *l = &c->stack[--c->depth];

	add_str(c, l->keys ? "}" : "]");
	free(l->keys);
}

static void put_integer(struct canonical *c, json_int_t i)
{
	const json_int_t bound = (json_int_t)1 << SAFE_INTEGER_BITS;
	char text[24];

	if (i <= -bound || i >= bound)
		c->failed = true;
	(void)str_format(text, sizeof(text), "%lld", (long long)i);
	add_str(c, text);
}

/* Write a scalar, or begin a container. */
static void put(struct canonical *c, const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		push(c, j);
		break;
	case JSON_STRING:
		put_string(c, json_string_value(j));
		break;
	case JSON_INTEGER:
		put_integer(c, json_integer_value(j));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		add_str(c, json_is_true(j) ? "true" : "false");
		break;
	case JSON_NULL:
		add_str(c, "null");
		break;
	case JSON_REAL:
		c->failed = true;
		break;
	}
}

/* One element of the container on top. */
static void step(struct canonical *c)
{
	struct level *l = &c->stack[c->depth - 1];
	size_t at = l->at++;

	if (at == l->n) {
		pop(c);
		return;
	}
	if (at > 0)
		add_str(c, ",");
	if (!l->keys) {
		put(c, json_array_get(l->node, at));
		return;
	}
	put_string(c, l->keys[at]);
	add_str(c, ":");
	put(c, json_object_get(l->node, l->keys[at]));
}

char *json_canonical(const json_t *j)
{
	struct canonical c = { .out = BUF_MAX(TEXT_MAX) };

	put(&c, j);
	while (!c.failed && c.depth > 0)
		step(&c);
	while (c.depth > 0)
		free(c.stack[--c.depth].keys);
	if (!c.failed)
		return buf_take_str(&c.out);
	buf_deinit(&c.out);
	return NULL;
}
