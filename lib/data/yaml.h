/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: a small tree out of YAML that people wrote
 *
 * Owns     the tree; everything in a node belongs to it.  (yaml_free() and its like are libyaml's.)
 * Limits   below.  Aliases, anchors, tags, several documents, keys that are not text and keys given
 *	     twice are errors: a document means what it says, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

enum {
	YAML_TEXT_MAX = 1024 * 1024,
	YAML_DEPTH_MAX = 16,
	YAML_ENTRIES_MAX = 10000, /* nodes of a whole document */
};

enum yaml_kind {
	YAML_TEXT, /* a scalar: what it means is decided by who reads it */
	YAML_LIST,
	YAML_MAP,
	YAML_KIND_COUNT,
};

struct yaml_node {
	enum yaml_kind kind;
	unsigned int line, column; /* of its key, or where it begins; both from 1 */
	bool is_null;		   /* nothing, ~ or null, without quotes */
	char *key;		   /* in a map: its key, else NULL */
	char *text;		   /* of YAML_TEXT, without NUL inside */
	size_t n;		   /* of children */
	struct yaml_node *first;   /* child */
	struct yaml_node *last;	   /* child */
	struct yaml_node *next;	   /* sibling */
};

/* Where something is in a document; a line of 0: nowhere, it is the whole document. */
struct yaml_place {
	unsigned int line, column; /* in characters; both from 1 */
	char path[256];		   /* "ports[0].host", escaped; "" for none */
};

/*
 * Parse @n bytes.  @file is how messages name them: "app.yaml:7: ports[0].host: what is wrong".
 *
 * Return: 0 and the tree, NULL for an empty document; ERR_INPUT; ERR_LIMIT.
 */
int yaml_tree_parse(const char *text, size_t n, const char *file, struct yaml_node **ret,
		    struct err *e);

/* The same; on failure @place tells where, and @e only what is wrong. */
int yaml_tree_parse_at(const char *text, size_t n, struct yaml_node **ret, struct yaml_place *place,
		       struct err *e);

/* "file:line: path: " in front of @why; return @code. */
int yaml_place_error(const char *file, const struct yaml_place *at, struct err *e, int code,
		     const char *why);

void yaml_tree_free(struct yaml_node *root);

/* The child of a map with this key; NULL if there is none. */
const struct yaml_node *yaml_tree_get(const struct yaml_node *map, const char *key);
