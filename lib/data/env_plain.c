/* SPDX-License-Identifier: Apache-2.0 */
#include "data/env_plain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/env_name.h"
#include "data/json.h"

#define WHAT "the sealed environment"

static bool is_allowed(const char *key, const char *const *allowed, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (str_equal(key, allowed[i]))
			return true;
	}
	return false;
}

/* A text without NUL, or NULL. */
static const char *text_of(const json_t *item, const char *key)
{
	const json_t *v = json_object_get(item, key);
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) ? s : NULL;
}

/* What is refused in any item, also in one that is left out. */
static int read_item(const json_t *item, size_t number, struct env_plain_item *ret, struct err *e)
{
	const json_t *key = json_object_get(item, "key"), *value = json_object_get(item, "value");

	if (!json_is_string(key) || !json_is_string(value))
		return err_set(e, ERR_INPUT, WHAT ": item %zu: expected texts key and value",
			       number);
	ret->key = text_of(item, "key");
	ret->value = text_of(item, "value");
	if (!ret->key || !ret->value)
		return err_set(e, ERR_INPUT, WHAT ": item %zu: its %s holds a NUL byte", number,
			       ret->key ? "value" : "name");
	return 0;
}

static int check_allowed(const struct env_plain_item *i, size_t number, struct err *e)
{
	if (strlen(i->key) + 1 + strlen(i->value) > ENV_PLAIN_PAIR_MAX) {
		return err_set(e, ERR_LIMIT,
			       WHAT ": item %zu: name and value have more than %d bytes", number,
			       ENV_PLAIN_PAIR_MAX);
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct env_plain_item *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static size_t number_of(const json_t *list, const char *key, size_t from)
{
	size_t i;

	for (i = from; i < json_array_size(list); i++) {
		if (str_equal(json_get_str(json_array_get(list, i), "key", ""), key))
			break;
	}
	return i + 1;
}

/* All items in order of their names: is one there twice? */
static int check_once(struct env_plain_item *all, size_t n, const json_t *list, struct err *e)
{
	size_t i, first;

	qsort(all, n, sizeof(*all), by_key);
	for (i = 1; i < n; i++) {
		if (by_key(&all[i - 1], &all[i]) != 0)
			continue;
		first = number_of(list, all[i].key, 0);
		return err_set(e, ERR_INPUT, WHAT ": items %zu and %zu have the same name", first,
			       number_of(list, all[i].key, first));
	}
	return 0;
}

static int read_items(struct env_plain *v, const json_t *list, const char *const *allowed,
		      size_t n_allowed, struct err *e)
{
	auto_free struct env_plain_item *all = xcalloc(json_array_size(list) + 1, sizeof(*all));
	size_t i, n = json_array_size(list);
	enum env_name name;
	int r = 0;

	v->items = xcalloc(n + 1, sizeof(*v->items));
	for (i = 0; r == 0 && i < n; i++) {
		r = read_item(json_array_get(list, i), i + 1, &all[i], e);
		if (r < 0)
			break;
		assert(all[i].key && all[i].value);
		name = env_name_check(all[i].key, strlen(all[i].key));
		if (name != ENV_NAME_OK)
			r = err_set(e, ERR_INPUT, WHAT ": item %zu: its name %s", i + 1,
				    env_name_text(name));
		if (r < 0)
			break;
		if (is_allowed(all[i].key, allowed, n_allowed)) {
			r = check_allowed(&all[i], i + 1, e);
			v->items[v->n++] = all[i];
		} else {
			v->n_skipped++;
		}
	}
	if (r == 0)
		r = check_once(all, n, list, e);
	if (r == 0)
		qsort(v->items, v->n, sizeof(*v->items), by_key);
	return r;
}

int env_plain_parse(const void *p, size_t n, const char *const *allowed, size_t n_allowed,
		    struct env_plain **ret, struct err *e)
{
	struct env_plain *v = xnew(struct env_plain);
	const json_t *list;
	int r;

	/* the reader's own words would quote what it stumbled over */
	r = json_parse_with_nul(p, n, ENV_PLAIN_MAX, WHAT, &v->doc, NULL);
	list = json_object_get(v->doc, "env");
	if (r == 0 && !json_is_array(list))
		r = ERR_INPUT;
	if (r < 0)
		r = err_set(e, r, WHAT " is not JSON of the form {\"env\":[...]}%s",
			    r == ERR_LIMIT ? ", or too large" : "");
	if (r == 0 && json_array_size(list) > ENV_VARS_MAX)
		r = err_set(e, ERR_LIMIT, WHAT " has %zu items, at most %d", json_array_size(list),
			    ENV_VARS_MAX);
	if (r == 0)
		r = read_items(v, list, allowed, n_allowed, e);
	if (r < 0)
		env_plain_free(v);
	else
		*ret = v;
	return r;
}

void env_plain_free(struct env_plain *v)
{
	if (!v)
		return;
	json_decref(v->doc);
	free(v->items);
	free(v);
}

/* Needs no quotes, neither in a shell nor in systemd. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("%+,-./:=@_", c));
}

static int add_value(struct buf *b, const char *value)
{
	const char *s = value;
	int r;

	while (is_plain(*s))
		s++;
	if (!*s)
		return buf_add_str(b, value);
	r = buf_add_str(b, "\"");
	for (s = value; r == 0 && *s; s++) {
		if (strchr("\"\\$`", *s))
			r = buf_add_str(b, "\\");
		if (r == 0)
			r = buf_add(b, s, 1);
	}
	return r ? r : buf_add_str(b, "\"");
}

int env_plain_shell(const struct env_plain *v, struct buf *ret)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < v->n; i++) {
		r = buf_addf(ret, "%s=", v->items[i].key);
		if (r == 0)
			r = add_value(ret, v->items[i].value);
		if (r == 0)
			r = buf_add_str(ret, "\n");
	}
	return r;
}

char *env_plain_json(const struct env_plain *v)
{
	json_auto_t *o = json_object();
	size_t i;

	for (i = 0; i < v->n; i++)
		(void)json_object_set_new(o, v->items[i].key, json_string(v->items[i].value));
	return json_compact(o);
}
