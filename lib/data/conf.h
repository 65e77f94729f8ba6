/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: a table per YAML document; the table is the specification
 *
 * A table says for each key its type, range, default and meaning.  It drives
 * checking ("app.yaml:7: resources.memory: "2GB" is not a size; write 2G"),
 * defaults, --help of a document, and the test that each key is in the manual.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;
struct buf;
struct faults;

enum conf_type {
	CONF_BOOL,     /* true | false */
	CONF_UINT,     /* decimal, min..max */
	CONF_SIZE,     /* bytes, with K M G T; min..max in bytes; JSON integer of bytes */
	CONF_DURATION, /* 500ms, 30s, 5m, 2h, 1d; min..max in ms; JSON integer of ms */
	CONF_STRING,   /* one line; min..max bytes */
	CONF_TEXT,     /* any text, also many lines; min..max bytes */
	CONF_ENUM,     /* one of values[] */
	CONF_STRINGS,  /* list of CONF_STRING; at most `most` */
	CONF_MAP,      /* nested table keys[] */
	CONF_MAPS,     /* list of nested tables; at most `most` */
	CONF_STRING_MAP, /* any key of one line -> CONF_TEXT; at most `most`; min..max bytes per value */
	CONF_TYPE_COUNT,
};

struct conf_key {
	const char *name; /* NULL ends a table */
	enum conf_type type;
	uint64_t min, max; /* see the type; max 0: no bound but the type's own */
	const char
		*otherwise; /* default, as YAML text; NULL: absent (lists: empty, maps: defaults) */
	bool required;
	size_t most;		     /* entries of a list or string map; 0: 64 */
	const char *const *values;   /* CONF_ENUM: NULL-terminated */
	const struct conf_key *keys; /* CONF_MAP, CONF_MAPS */
	/*
	 * A further check of a scalar (each element of CONF_STRINGS).  On failure say in @e only what is wrong
	 * and what would be right ("\"x\" is not an address; write 127.0.0.1"); may be NULL.
	 */
	int (*check)(const char *text, struct err *e);
	const char *doc;     /* one sentence */
	const char *example; /* YAML text of the value; may be NULL */
};

enum {
	CONF_FILE_MAX = 1024 * 1024,
	CONF_DEPTH_MAX = 16,
};

/* The member of a loaded document's root that holds the lines; no key of a table begins with a dot. */
#define CONF_LINES ".lines"

/**
 * conf_load() - YAML text into a checked JSON object, defaults filled in
 * @file: how messages name the document
 *
 * Aliases, anchors, tags, several documents, duplicate keys, unknown keys (with the nearest
 * known key as a suggestion) and values out of range are errors: "file:line: path.of.key: what is
 * wrong; what would be right".  An empty document is an empty map.  A key with nothing, ~ or null
 * after it is absent if it is a list or a map, an error otherwise.
 *
 * In the result: keys in the order of the table.  What was not written and has no default is not
 * there, but lists and string maps are empty, and a map is filled with the defaults of its keys,
 * unless one of its own keys is required: then the whole map is absent.
 *
 * Return: 0 and an object the caller owns; ERR_INPUT; ERR_LIMIT.
 */
int conf_load(const struct conf_key *table, const char *text, size_t n, const char *file,
	      json_t **ret, struct err *e);

/*
 * The same, but it goes on after a mistake: each one is added to @all, with the place of its key, and @e
 * holds the first.  Text that is not YAML is one mistake.
 */
int conf_load_all(const struct conf_key *table, const char *text, size_t n, const char *file,
		  json_t **ret, struct faults *all, struct err *e);

/* file_read() then conf_load(). */
int conf_load_file(const struct conf_key *table, const char *path, json_t **ret, struct err *e);

/*
 * Where a key was written: the line of "resources.memory" or of "ports[1].host", for checks across
 * keys.  0 if it was not written.  conf_forget_lines() drops that knowledge, for who writes the
 * document out again.
 */
int conf_line(const json_t *loaded, const char *path);
int conf_column(const json_t *loaded, const char *path); /* and the column on it */
void conf_forget_lines(json_t *loaded);

/* For checks across keys.  All borrowed. */
struct conf_place {
	const json_t *loaded;
	const char *file; /* how messages name the document */
	struct err *e;
};

/* "file:line: key: what".  Return: ERR_INPUT. */
int conf_wrong(const struct conf_place *at, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The table as YAML with each doc sentence as a comment: for --print-config and the manual.  Keys that
 * have no default are commented out, required ones show their example: what it gives loads again.
 *
 * Return: 0 or what buf_add() returns.
 */
int conf_describe(const struct conf_key *table, struct buf *ret);

/* Call @fn for each key, nested ones by path ("resources.memory"). */
void conf_each(const struct conf_key *table,
	       void (*fn)(const char *path, const struct conf_key *k, void *arg), void *arg);
