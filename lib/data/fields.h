/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: typed reads from a JSON object of someone else's; for the readers of lib/data
 *
 * The first failure is kept in rc and in the message; after it each read gives its default, so a reader
 * may read everything and check once.  A key that is null counts as absent only where it says so.
 * Texts and lists are borrowed from the object.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

struct fields {
	const json_t *o;
	const char *what; /* in front of each message: "app-compose.json" */
	struct err *e;
	int rc;
};

/* Record a failure of @key, unless there was one before. */
void fields_fail(struct fields *f, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Refuse keys that are not in the list, which ends with NULL. */
void fields_only(struct fields *f, const char *const *known);

bool fields_bool(struct fields *f, const char *key, bool otherwise);
uint64_t fields_u64(struct fields *f, const char *key, uint64_t min, uint64_t max,
		    uint64_t otherwise);

/* A text that must be there; that may be absent; that may be absent or null (then NULL). */
const char *fields_need_text(struct fields *f, const char *key);
const char *fields_text(struct fields *f, const char *key, const char *otherwise);
const char *fields_text_or_null(struct fields *f, const char *key);

/* One of the texts of a list that ends with NULL; absent or null: NULL. */
const char *fields_one_of(struct fields *f, const char *key, const char *const *values);

/* Hex of exactly @n bytes, without prefix.  Return: is it there? */
bool fields_hex(struct fields *f, const char *key, uint8_t *dst, size_t n);

/* A list of at most @most; a list of texts.  Absent: NULL.  */
const json_t *fields_list(struct fields *f, const char *key, size_t most);
const json_t *fields_texts(struct fields *f, const char *key, size_t most);

/* An object; absent or null: NULL. */
const json_t *fields_object(struct fields *f, const char *key);
