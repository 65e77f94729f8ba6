/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml gives events; a stack of open lists and maps, no higher than YAML_DEPTH_MAX, makes a tree
 * of them.  The stack is ours, so no document can make anything recurse.
 *
 * Time is linear in the text: each open map has its keys in a hash table, and %TAG lines, which
 * libyaml compares each with all before it, are refused before libyaml sees them.
 */
#include "data/yaml.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <yaml.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct build {
	const char *text;
	struct yaml_place *place; /* of what is wrong */
	struct yaml_node *root;
	struct yaml_node *open[YAML_DEPTH_MAX];
	json_t *keys[YAML_DEPTH_MAX]; /* of an open map: key -> line */
	size_t depth, n_nodes, n_documents;
	char *key;	      /* read, its value still to come */
	struct yaml_place at; /* of the event that is looked at: line and column */
	unsigned int key_line, key_column;
	struct err *e;
};

enum { PATH_SIZE = sizeof(((struct yaml_place *)0)->path) };

/* "ports[1].host": where the next node, or @key of the innermost map, is. */
static const char *path_of(const struct build *b, const char *key, char *path)
{
	size_t used = 0, i;
	int n;

	path[0] = 0;
	for (i = 0; i < b->depth && used < PATH_SIZE; i++) {
		const struct yaml_node *at = b->open[i];
		const char *name = i + 1 < b->depth ? b->open[i + 1]->key : key;

		if (at->kind == YAML_LIST) {
			n = snprintf(path + used, PATH_SIZE - used, "[%zu]",
				     at->n - (i + 1 < b->depth));
		} else {
			n = snprintf(path + used, PATH_SIZE - used, "%s%s", used && name ? "." : "",
				     name ? name : "");
		}
		used += n > 0 ? (size_t)n : 0;
	}
	return path;
}

/* What is wrong with @key of the innermost map, or with the node that is looked at. */
static int refuse(const struct build *b, int code, const char *key, const char *message)
{
	char path[PATH_SIZE];

	*b->place = b->at;
	(void)path_of(b, key, path);
	(void)str_escape(b->place->path, sizeof(b->place->path), path, strlen(path));
	return err_set(b->e, code, "%s", message);
}

static unsigned int line_of(const char *text, size_t offset)
{
	unsigned int line = 1;
	size_t i;

	for (i = 0; i < offset && text[i]; i++)
		line += text[i] == '\n';
	return line;
}

static bool indents_with_tab(const char *text, unsigned int line)
{
	while (--line > 0 && text)
		text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
	return text && text[strspn(text, " ")] == '\t';
}

static int syntax_error(const struct build *b, const yaml_parser_t *p)
{
	unsigned int line = (unsigned int)p->problem_mark.line + 1;
	const char *context = p->context, *problem = p->problem;

	if (p->error == YAML_MEMORY_ERROR)
		return err_set(b->e, ERR_LIMIT, "out of memory");
	*b->place = (struct yaml_place){ .line = line,
					 .column = (unsigned int)p->problem_mark.column + 1 };
	if (p->error == YAML_READER_ERROR) {
		b->place->line = line_of(b->text, p->problem_offset);
		b->place->column = 1;
		context = NULL;
	} else if (indents_with_tab(b->text, line)) {
		context = NULL;
		problem = "indented with a tab; use spaces";
	}
	return err_set(b->e, ERR_INPUT, "not valid YAML: %s%s%s", context ? context : "",
		       context ? ": " : "", problem);
}

static struct yaml_node *innermost(const struct build *b)
{
	return b->depth ? b->open[b->depth - 1] : NULL;
}

/* Hang a new node where it belongs. */
static int add(struct build *b, enum yaml_kind kind, struct yaml_node **ret)
{
	struct yaml_node *parent = innermost(b), *node;

	if (++b->n_nodes > YAML_ENTRIES_MAX)
		return refuse(b, ERR_LIMIT, NULL, "too many values in one document");
	node = xnew(struct yaml_node);
	node->kind = kind;
	node->line = b->at.line;
	node->column = b->at.column;
	node->key = steal_ptr(&b->key);
	if (!parent) {
		b->root = node;
	} else {
		if (node->key) {
			node->line = b->key_line;
			node->column = b->key_column;
		}
		if (parent->last)
			parent->last->next = node;
		else
			parent->first = node;
		parent->last = node;
		parent->n++;
	}
	*ret = node;
	return 0;
}

static int begin(struct build *b, enum yaml_kind kind)
{
	struct yaml_node *node;
	int rc;

	if (innermost(b) && innermost(b)->kind == YAML_MAP && !b->key)
		return refuse(b, ERR_INPUT, NULL, "a key must be plain text");
	if (b->depth == YAML_DEPTH_MAX)
		return refuse(b, ERR_LIMIT, b->key, "nested more than 16 deep");
	rc = add(b, kind, &node);
	if (rc < 0)
		return rc;
	b->keys[b->depth] = json_object();
	b->open[b->depth++] = node;
	return 0;
}

static void end(struct build *b)
{
	assert(b->depth > 0);
	json_decref(b->keys[--b->depth]);
}

static int take_key(struct build *b, const char *text)
{
	json_t *keys = b->keys[b->depth - 1];
	const json_t *before = json_object_get(keys, text);
	char message[80];

	if (before) {
		(void)str_format(message, sizeof(message), "given twice; first on line %d",
				 (int)json_integer_value(before));
		return refuse(b, ERR_INPUT, text, message);
	}
	(void)json_object_set_new(keys, text, json_integer(b->at.line));
	b->key = xstrdup(text);
	b->key_line = b->at.line;
	b->key_column = b->at.column;
	return 0;
}

static bool is_null(const char *text, yaml_scalar_style_t style)
{
	return style == YAML_PLAIN_SCALAR_STYLE &&
	       (text[0] == 0 || str_equal(text, "~") || str_equal(text, "null"));
}

static int take_text(struct build *b, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	struct yaml_node *node;
	int rc;

	if (strlen(text) != ev->data.scalar.length)
		return refuse(b, ERR_INPUT, b->key, "text with a NUL in it");
	if (innermost(b) && innermost(b)->kind == YAML_MAP && !b->key)
		return take_key(b, text);
	rc = add(b, YAML_TEXT, &node);
	if (rc < 0)
		return rc;
	node->text = xstrdup(text);
	node->is_null = is_null(text, ev->data.scalar.style);
	return 0;
}

/* What decorates a value may change what it means: anchors and tags. */
static int plain_only(struct build *b, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(b, ERR_INPUT, b->key, "anchors are not supported; remove it");
	if (tag)
		return refuse(b, ERR_INPUT, b->key, "tags are not supported; remove it");
	return 0;
}

static int take(struct build *b, const yaml_event_t *ev)
{
	int rc;

	b->at.line = (unsigned int)ev->start_mark.line + 1;
	b->at.column = (unsigned int)ev->start_mark.column + 1;
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++b->n_documents > 1)
			return refuse(b, ERR_INPUT, NULL, "a second document; a file holds one");
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(b, ERR_INPUT, b->key,
			      "aliases are not supported; write the value again");
	case YAML_SCALAR_EVENT:
		rc = plain_only(b, ev->data.scalar.anchor, ev->data.scalar.tag);
		return rc < 0 ? rc : take_text(b, ev);
	case YAML_SEQUENCE_START_EVENT:
		rc = plain_only(b, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		return rc < 0 ? rc : begin(b, YAML_LIST);
	case YAML_MAPPING_START_EVENT:
		rc = plain_only(b, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		return rc < 0 ? rc : begin(b, YAML_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		end(b);
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int take_all(struct build *b, yaml_parser_t *p)
{
	bool is_end = false;
	yaml_event_t ev;
	int rc = 0;

	while (rc == 0 && !is_end) {
		if (!yaml_parser_parse(p, &ev))
			return syntax_error(b, p);
		is_end = ev.type == YAML_STREAM_END_EVENT;
		rc = take(b, &ev);
		yaml_event_delete(&ev);
	}
	return rc;
}

/*
 * A %TAG line, after whatever libyaml takes for a line break.  (Text that has a line of its own that
 * begins so is refused too: a small price.)
 */
static int refuse_tag_lines(struct build *b, size_t n)
{
	const char *at = b->text;

	while ((at = memmem(at, n - (size_t)(at - b->text), "%TAG", 4)) != NULL) {
		if (at == b->text || (unsigned char)at[-1] < 0x20 ||
		    (unsigned char)at[-1] >= 0x80) {
			b->at.line = line_of(b->text, (size_t)(at - b->text));
			b->at.column = 1;
			return refuse(b, ERR_INPUT, NULL, "tags are not supported; remove it");
		}
		at++;
	}
	return 0;
}

int yaml_tree_parse_at(const char *text, size_t n, struct yaml_node **ret, struct yaml_place *place,
		       struct err *e)
{
	auto_free char *copy = NULL;
	struct build b = { .place = place, .e = e };
	yaml_parser_t p;
	int rc;

	*place = (struct yaml_place){ .line = 0 };
	if (n > YAML_TEXT_MAX)
		return err_set(e, ERR_LIMIT, "too large: %zu bytes, at most %d", n, YAML_TEXT_MAX);
	if (!str_is_utf8(text, n) || (n > 0 && memchr(text, 0, n)))
		return err_set(e, ERR_INPUT, "not UTF-8 text");
	copy = xcalloc(1, n + 1);
	if (n > 0)
		memcpy(copy, text, n);
	b.text = copy;
	rc = refuse_tag_lines(&b, n);
	if (rc < 0)
		return rc;
	if (!yaml_parser_initialize(&p))
		return err_set(e, ERR_LIMIT, "out of memory");
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)copy, n);
	rc = take_all(&b, &p);
	yaml_parser_delete(&p);
	while (b.depth > 0)
		end(&b);
	free(b.key);
	if (rc < 0)
		yaml_tree_free(b.root);
	else
		*ret = b.root;
	return rc;
}

int yaml_place_error(const char *file, const struct yaml_place *at, struct err *e, int code,
		     const char *why)
{
	if (at->line == 0)
		return err_set(e, code, "%s: %s", file, why);
	return err_set(e, code, "%s:%u: %s%s%s", file, at->line, at->path, at->path[0] ? ": " : "",
		       why);
}

int yaml_tree_parse(const char *text, size_t n, const char *file, struct yaml_node **ret,
		    struct err *e)
{
	struct err why = ERR_NONE;
	struct yaml_place at;
	int rc = yaml_tree_parse_at(text, n, ret, &at, &why);

	return rc < 0 ? yaml_place_error(file, &at, e, rc, why.text) : 0;
}

void yaml_tree_free(struct yaml_node *root)
{
	struct yaml_node *work = root, *node;

	while (work) {
		node = work;
		work = node->next;
		if (node->first) {
			/* children go first: the list of work grows in front, nothing recurses */
			node->last->next = work;
			work = node->first;
		}
		free(node->key);
		free(node->text);
		free(node);
	}
}

const struct yaml_node *yaml_tree_get(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *child = map ? map->first : NULL;

	while (child && (!child->key || !str_equal(child->key, key)))
		child = child->next;
	return child;
}
