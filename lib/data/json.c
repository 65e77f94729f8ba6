/* SPDX-License-Identifier: Apache-2.0 */
#include "data/json.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

/* What the scan before jansson knows of the text so far. */
struct scan {
	const char *what;
	unsigned int line, depth;
	size_t n_items;
	bool in_string, is_escaped;
};

static int scan_open(struct scan *s, struct err *e)
{
	if (++s->depth > JSON_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "%s:%u: nested more than %d deep", s->what, s->line,
			       JSON_DEPTH_MAX);
	s->n_items++;
	return 0;
}

/* Brackets and commas count only outside of strings. */
static int scan_byte(struct scan *s, char c, struct err *e)
{
	if (c == '\n')
		s->line++;
	if (c == 0)
		return err_set(e, ERR_INPUT, "%s:%u: a NUL byte", s->what, s->line);
	if (s->is_escaped) {
		s->is_escaped = false;
		return 0;
	}
	if (s->in_string) {
		s->is_escaped = c == '\\';
		s->in_string = c != '"';
		return 0;
	}
	if (c == '{' || c == '[')
		return scan_open(s, e);
	if (c == '"')
		s->in_string = true;
	else if (c == ',')
		s->n_items++;
	else if ((c == '}' || c == ']') && s->depth > 0)
		s->depth--;
	return 0;
}

static int scan_text(const char *p, size_t n, const char *what, struct err *e)
{
	struct scan s = { .what = what, .line = 1 };
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = scan_byte(&s, p[i], e);
		if (rc < 0)
			return rc;
		if (s.n_items > JSON_ITEMS_MAX)
			return err_set(e, ERR_LIMIT, "%s:%u: more than %d values", what, s.line,
				       JSON_ITEMS_MAX);
	}
	return 0;
}

static int parse(const void *p, size_t n, size_t max, const char *what, size_t flags, json_t **ret,
		 struct err *e)
{
	json_error_t why;
	char text[256];
	json_t *j;
	int rc;

	if (n > max)
		return err_set(e, ERR_LIMIT, "%s: too large: %zu bytes, at most %zu", what, n, max);
	if (n == 0)
		return err_set(e, ERR_INPUT, "%s: empty, expected JSON", what);
	rc = scan_text(p, n, what, e);
	if (rc < 0)
		return rc;
	if (!str_is_utf8(p, n))
		return err_set(e, ERR_INPUT, "%s: not valid UTF-8", what);
	j = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags, &why);
	if (!j)
		return err_set(e, ERR_INPUT, "%s:%d: not valid JSON: %s", what, why.line,
			       str_escape(text, sizeof(text), why.text, strlen(why.text)));
	*ret = j;
	return 0;
}

int json_parse(const void *p, size_t n, size_t max, const char *what, json_t **ret, struct err *e)
{
	return parse(p, n, max, what, 0, ret, e);
}

int json_parse_with_nul(const void *p, size_t n, size_t max, const char *what, json_t **ret,
			struct err *e)
{
	return parse(p, n, max, what, JSON_ALLOW_NUL, ret, e);
}

int json_read_file(int dirfd, const char *path, size_t max, json_t **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(dirfd, path, max, &b, e);

	return rc < 0 ? rc : json_parse(b.p, b.n, max, path, ret, e);
}

static void free_wiped(void *p)
{
	if (p)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

/* jansson 2.14 never reallocates: what grows is copied, and freed here. */
void json_wipe_on_free(void)
{
	json_set_alloc_funcs(malloc, free_wiped);
}

static char *dump(const json_t *j, size_t flags)
{
	char *s = json_dumps(j, flags | JSON_ENCODE_ANY);

	if (!s)
		abort(); /* out of memory: a json_t holds nothing that cannot be written */
	return s;
}

char *json_compact(const json_t *j)
{
	return dump(j, JSON_COMPACT);
}

char *json_compact_ascii(const json_t *j)
{
	return dump(j, JSON_COMPACT | JSON_ENSURE_ASCII);
}

char *json_pretty(const json_t *j)
{
	return dump(j, JSON_INDENT(2));
}

char *json_pretty_ascii(const json_t *j)
{
	return dump(j, JSON_INDENT(2) | JSON_ENSURE_ASCII);
}

json_t *json_text(const char *s)
{
	json_t *j = json_string(s);
	char *copy;
	size_t i;

	if (j)
		return j;
	copy = xstrdup(s);
	for (i = 0; copy[i]; i++) {
		if ((unsigned char)copy[i] >= 0x80)
			copy[i] = '?';
	}
	j = json_string(copy);
	free(copy);
	return j;
}

int json_write_file(int dirfd, const char *path, mode_t mode, const json_t *j, struct err *e)
{
	auto_free char *text = json_compact(j);

	return file_replace(dirfd, path, mode, text, strlen(text), e);
}

const char *json_get_str(const json_t *o, const char *key, const char *otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? json_string_value(v) : otherwise;
}

const char *json_get_opt(const json_t *o, const char *key)
{
	const char *s = json_get_str(o, key, "");

	return *s ? s : NULL;
}

uint64_t json_get_u64(const json_t *o, const char *key, uint64_t otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v)
								: otherwise;
}

bool json_get_bool(const json_t *o, const char *key, bool otherwise)
{
	const json_t *v = json_object_get(o, key);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}
