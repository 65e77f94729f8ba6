/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table leads, the document follows: what is in the document and not in the table was refused
 * first, so walking the table sees everything.  The recursion is over tables, which are ours and
 * end; a document cannot make it deeper.
 */
#include "data/conf.h"

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "data/conf_value.h"
#include "data/faults.h"
#include "data/nearest.h"
#include "data/yaml.h"

_Static_assert((int)CONF_FILE_MAX == (int)YAML_TEXT_MAX, "one limit of a document");
_Static_assert((int)CONF_DEPTH_MAX == (int)YAML_DEPTH_MAX, "one limit of depth");

enum { PATH_SIZE = 256, LIST_DEFAULT_MOST = 64, COLUMN_BITS = 16, COLUMN_MAX = 0xffff };

struct load {
	const char *file;
	char path[PATH_SIZE];
	json_t *lines;	    /* path -> line << COLUMN_BITS | column */
	struct faults *all; /* NULL: the first mistake is the last */
	bool is_refused;    /* e has the first mistake */
	struct err *e;
};

/* A place in the document; @n NULL: its beginning. */
struct at {
	unsigned int line, column;
};

static struct at at_of(const struct yaml_node *n)
{
	return n ? (struct at){ n->line, n->column } : (struct at){ 1, 1 };
}

/* After @rc, is there more to look at? */
static bool goes_on(const struct load *l, int rc)
{
	return rc == 0 || (l->all && !l->all->is_cut);
}

static size_t most_of(const struct conf_key *k)
{
	return k->most ? k->most : LIST_DEFAULT_MOST;
}

static json_int_t place(const struct yaml_node *n)
{
	unsigned int column = n->column < COLUMN_MAX ? n->column : COLUMN_MAX;

	return (json_int_t)n->line << COLUMN_BITS | column;
}

/* Add to the path.  Return: how long it was, to cut it back to. */
static size_t enter(struct load *l, const struct yaml_node *n, const char *key, size_t index)
{
	size_t was = strlen(l->path);

	if (key)
		(void)snprintf(l->path + was, sizeof(l->path) - was, "%s%s", was ? "." : "", key);
	else
		(void)snprintf(l->path + was, sizeof(l->path) - was, "[%zu]", index);
	if (n)
		(void)json_object_set_new(l->lines, l->path, json_integer(place(n)));
	return was;
}

static void leave(struct load *l, size_t was)
{
	l->path[was] = 0;
}

/* "file:line: path: message" */
static int refuse(struct load *l, struct at at, const char *message)
{
	char shown[PATH_SIZE];

	(void)str_escape(shown, sizeof(shown), l->path, strlen(l->path));
	if (l->all)
		faults_add(l->all, at.line, at.column, shown, message);
	if (l->is_refused)
		return ERR_INPUT;
	l->is_refused = true;
	return err_set(l->e, ERR_INPUT, "%s:%u: %s%s%s", l->file, at.line, shown,
		       shown[0] ? ": " : "", message);
}

static const char *found(const struct yaml_node *n)
{
	static const char *const names[] = {
		[YAML_TEXT] = "text", [YAML_LIST] = "a list", [YAML_MAP] = "a map"
	};

	return names[n->kind];
}

static int wrong_kind(struct load *l, const struct yaml_node *n, const char *expected)
{
	char message[128];

	(void)str_format(message, sizeof(message), "expected %s, found %s", expected, found(n));
	return refuse(l, at_of(n), message);
}

/* A scalar; @n is never NULL. */
static int load_scalar(struct load *l, const struct conf_key *k, const struct yaml_node *n,
		       json_t **ret)
{
	struct err why = ERR_NONE;

	if (n->kind != YAML_TEXT)
		return wrong_kind(l, n, "one value");
	if (n->is_null && (k->type == CONF_STRING || k->type == CONF_TEXT))
		return refuse(l, at_of(n), "has no value; write one, or \"\" for an empty one");
	if (n->is_null)
		return refuse(l, at_of(n), "has no value; write one, or remove the key");
	if (conf_value_of(k, n->text, ret, &why) < 0)
		return refuse(l, at_of(n), why.text);
	return 0;
}

static int too_many(struct load *l, const struct conf_key *k, const struct yaml_node *n)
{
	char message[96];

	(void)str_format(message, sizeof(message), "has %zu entries; write at most %zu", n->n,
			 most_of(k));
	return refuse(l, at_of(n), message);
}

/* The names of a table, as many as fit. */
static void list_names(const struct conf_key *table, char *dst, size_t size)
{
	const struct conf_key *k;
	size_t used = 0;

	dst[0] = 0;
	for (k = table; k->name && used + strlen(k->name) + sizeof(", , ...") < size; k++)
		used += (size_t)str_format(dst + used, size - used, "%s%s", used ? ", " : "",
					   k->name);
	if (k->name)
		(void)str_format(dst + used, size - used, ", ...");
}

static int unknown(struct load *l, const struct conf_key *table, const struct yaml_node *n)
{
	struct nearest near = { .word = n->key };
	char message[256], all[192];
	const struct conf_key *k;

	for (k = table; k->name; k++)
		nearest_offer(&near, k->name);
	if (near.best) {
		(void)str_format(message, sizeof(message), "unknown key; did you mean \"%s\"?",
				 near.best);
	} else {
		list_names(table, all, sizeof(all));
		(void)str_format(message, sizeof(message), "unknown key; known here: %s", all);
	}
	return refuse(l, at_of(n), message);
}

static int check_keys(struct load *l, const struct conf_key *table, const struct yaml_node *n)
{
	const struct yaml_node *child;
	const struct conf_key *k;
	size_t was;
	int rc = 0;

	for (child = n ? n->first : NULL; child && goes_on(l, rc); child = child->next) {
		for (k = table; k->name && !str_equal(k->name, child->key); k++)
			continue;
		if (!k->name) {
			was = enter(l, NULL, child->key, 0);
			rc = unknown(l, table, child);
			leave(l, was);
		}
	}
	return rc;
}

/* NOLINTBEGIN(misc-no-recursion): over tables, see the top */

static int load_map(struct load *l, const struct conf_key *table, const struct yaml_node *n,
		    json_t **ret);

static int load_element(struct load *l, const struct conf_key *k, const struct yaml_node *n,
			json_t **ret)
{
	if (k->type != CONF_MAPS)
		return load_scalar(l, k, n, ret);
	if (n->kind != YAML_MAP)
		return wrong_kind(l, n, "a map of keys");
	return load_map(l, k->keys, n, ret);
}

/* CONF_STRINGS and CONF_MAPS. */
static int load_list(struct load *l, const struct conf_key *k, const struct yaml_node *n,
		     json_t **ret)
{
	json_t *list = json_array(), *value;
	const struct yaml_node *child;
	size_t i = 0, was;
	int rc = 0, one;

	if (n && n->kind != YAML_LIST)
		rc = wrong_kind(l, n, "a list (lines that begin with \"- \")");
	else if (n && n->n > most_of(k))
		rc = too_many(l, k, n);
	for (child = rc == 0 && n ? n->first : NULL; child && goes_on(l, rc); child = child->next) {
		was = enter(l, child, NULL, i++);
		one = load_element(l, k, child, &value);
		if (one == 0)
			(void)json_array_append_new(list, value);
		else
			rc = one;
		leave(l, was);
	}
	if (rc < 0)
		json_decref(list);
	else
		*ret = list;
	return rc;
}

static int load_string_map(struct load *l, const struct conf_key *k, const struct yaml_node *n,
			   json_t **ret)
{
	json_t *map = json_object(), *value = NULL;
	const struct yaml_node *child;
	size_t was;
	int rc = 0, one;

	if (n && n->kind != YAML_MAP)
		rc = wrong_kind(l, n, "a map (lines of \"KEY: value\")");
	else if (n && n->n > most_of(k))
		rc = too_many(l, k, n);
	for (child = rc == 0 && n ? n->first : NULL; child && goes_on(l, rc); child = child->next) {
		was = enter(l, child, child->key, 0);
		if (child->key[0] == 0 || !conf_is_one_line(child->key))
			one = refuse(l, at_of(child), "a key must be one line of text");
		else
			one = load_scalar(l, k, child, &value);
		if (one == 0)
			(void)json_object_set_new(map, child->key, value);
		else
			rc = one;
		leave(l, was);
	}
	if (rc < 0)
		json_decref(map);
	else
		*ret = map;
	return rc;
}

/* A default is text of ours: if it is wrong, so is the table. */
static void load_default(const struct conf_key *k, json_t **ret)
{
	struct load l = { .file = k->name, .lines = json_object() };
	struct yaml_node *n = NULL;
	struct err e = ERR_NONE;
	int rc;

	rc = yaml_tree_parse(k->otherwise, strlen(k->otherwise), k->name, &n, &e);
	assert(rc == 0 && n);
	if (k->type == CONF_STRINGS)
		rc = load_list(&l, k, n, ret);
	else if (k->type == CONF_STRING_MAP)
		rc = load_string_map(&l, k, n, ret);
	else
		rc = load_scalar(&l, k, n, ret);
	assert(rc == 0);
	yaml_tree_free(n);
	json_decref(l.lines);
}

static bool needs_something(const struct conf_key *table)
{
	const struct conf_key *k;

	for (k = table; k->name; k++) {
		if (k->required)
			return true;
	}
	return false;
}

static int missing(struct load *l, const struct conf_key *k, struct at at)
{
	char message[256];

	(void)snprintf(message, sizeof(message), "is missing; it is required");
	if (k->example)
		(void)snprintf(message, sizeof(message), "is missing; write \"%s: %s\"", k->name,
			       k->example);
	return refuse(l, at, message);
}

/* What a key is without being written.  *@ret stays NULL if it is just absent. */
static int load_absent(struct load *l, const struct conf_key *k, struct at at, json_t **ret)
{
	if (k->required)
		return missing(l, k, at);
	if (k->otherwise)
		load_default(k, ret);
	else if (k->type == CONF_STRINGS || k->type == CONF_MAPS)
		*ret = json_array();
	else if (k->type == CONF_STRING_MAP)
		*ret = json_object();
	else if (k->type == CONF_MAP && !needs_something(k->keys))
		return load_map(l, k->keys, NULL, ret);
	return 0;
}

static int load_key(struct load *l, const struct conf_key *k, const struct yaml_node *n,
		    struct at at, json_t **ret)
{
	bool is_scalar = k->type < CONF_STRINGS;

	if (!n || (n->is_null && !is_scalar))
		return load_absent(l, k, n ? at_of(n) : at, ret);
	if (is_scalar)
		return load_scalar(l, k, n, ret);
	if (k->type == CONF_STRING_MAP)
		return load_string_map(l, k, n, ret);
	if (k->type != CONF_MAP)
		return load_list(l, k, n, ret);
	if (n->kind != YAML_MAP)
		return wrong_kind(l, n, "a map (indented lines of \"key: value\")");
	return load_map(l, k->keys, n, ret);
}

/* @n NULL: nothing is written. */
static int load_map(struct load *l, const struct conf_key *table, const struct yaml_node *n,
		    json_t **ret)
{
	json_t *map, *value;
	const struct conf_key *k;
	const struct yaml_node *child;
	int rc = check_keys(l, table, n), one;
	size_t was;

	map = json_object();
	for (k = table; k->name && goes_on(l, rc); k++) {
		value = NULL;
		child = yaml_tree_get(n, k->name);
		was = enter(l, child, k->name, 0);
		one = load_key(l, k, child, at_of(n), &value);
		rc = one < 0 ? one : rc;
		if (value)
			(void)json_object_set_new(map, k->name, value);
		leave(l, was);
	}
	if (rc < 0)
		json_decref(map);
	else
		*ret = map;
	return rc;
}

/* NOLINTEND(misc-no-recursion) */

int conf_load_all(const struct conf_key *table, const char *text, size_t n, const char *file,
		  json_t **ret, struct faults *all, struct err *e)
{
	struct load l = { .file = file, .lines = NULL, .all = all, .e = e };
	struct yaml_node *root = NULL;
	struct err why = ERR_NONE;
	struct yaml_place at;
	json_t *map = NULL;
	int rc = yaml_tree_parse_at(text, n, &root, &at, &why);

	if (rc < 0) {
		if (all)
			faults_add(all, at.line, at.column, at.path, why.text);
		return yaml_place_error(file, &at, e, rc, why.text);
	}
	l.lines = json_object();
	if (root && root->kind != YAML_MAP && !root->is_null)
		rc = wrong_kind(&l, root, "a map (lines of \"key: value\")");
	else
		rc = load_map(&l, table, root && root->kind == YAML_MAP ? root : NULL, &map);
	yaml_tree_free(root);
	if (rc < 0) {
		json_decref(l.lines);
		return rc;
	}
	(void)json_object_set_new(map, CONF_LINES, l.lines);
	*ret = map;
	return 0;
}

int conf_load(const struct conf_key *table, const char *text, size_t n, const char *file,
	      json_t **ret, struct err *e)
{
	return conf_load_all(table, text, n, file, ret, NULL, e);
}

int conf_load_file(const struct conf_key *table, const char *path, json_t **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(AT_FDCWD, path, CONF_FILE_MAX, &b, e);

	return rc < 0 ? rc : conf_load(table, (const char *)b.p, b.n, path, ret, e);
}

static json_int_t placed(const json_t *loaded, const char *path)
{
	const json_t *lines = json_object_get(loaded, CONF_LINES);

	return json_integer_value(json_object_get(lines, path));
}

int conf_line(const json_t *loaded, const char *path)
{
	return (int)(placed(loaded, path) >> COLUMN_BITS);
}

int conf_column(const json_t *loaded, const char *path)
{
	return (int)(placed(loaded, path) & COLUMN_MAX);
}

int conf_wrong(const struct conf_place *at, const char *key, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(at->e, ERR_INPUT, "%s:%d: %s: %s", at->file, conf_line(at->loaded, key), key,
		       what);
}

void conf_forget_lines(json_t *loaded)
{
	(void)json_object_del(loaded, CONF_LINES); /* a second call finds nothing to do */
}
