/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: JSON text in and out, with the limits that hostile text needs
 *
 * The only caller of json_loadb().  Text is capped in bytes and in depth before
 * jansson sees it; duplicate keys, invalid UTF-8 and NUL are refused.
 *
 * Limits   JSON_DEPTH_MAX levels, JSON_ITEMS_MAX commas and opening brackets: with some 250 bytes an
 *	     empty object, hostile text costs at most about 70 MB while it is looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

struct buf;
struct err;

enum {
	JSON_DEPTH_MAX = 64,
	JSON_ITEMS_MAX = 500000,
};

/*
 * Parse @n bytes of any JSON value.  The message names @what ("app-compose.json") and the line.
 *
 * Return: 0 and *@ret, owned by the caller; ERR_LIMIT over @max bytes or too deep; ERR_INPUT.
 */
int json_parse(const void *p, size_t n, size_t max, const char *what, json_t **ret, struct err *e);

/*
 * The same for documents whose texts may hold NUL, as chains of certificates out of quotes do.  The
 * caller looks at json_string_length() wherever a text cut at its NUL would matter.
 */
int json_parse_with_nul(const void *p, size_t n, size_t max, const char *what, json_t **ret,
			struct err *e);

/* file_read() then json_parse(). */
int json_read_file(int dirfd, const char *path, size_t max, json_t **ret, struct err *e);

/*
 * From now on all memory of JSON trees and texts is wiped when it is freed, for programs that read or write secrets
 * in JSON.  Called once, at the start of main().
 */
void json_wipe_on_free(void);

/* Compact text in insertion order; the second is pure ASCII.  The caller frees.  Never NULL. */
char *json_compact(const json_t *j);
char *json_compact_ascii(const json_t *j);

/* Two-space indented text; the second is pure ASCII.  The caller frees.  Never NULL. */
char *json_pretty(const json_t *j);
char *json_pretty_ascii(const json_t *j);

/*
 * RFC 8785 (JCS); anything hashed uses this.  NULL for what we need no canonical form of: numbers
 * that are not integers within 2^53, more than JSON_DEPTH_MAX levels.  The caller frees.
 */
char *json_canonical(const json_t *j);

/* For jansson's iteration, which changes nothing but does not promise it. */
static inline json_t *json_unconst(const json_t *j)
{
	union {
		const json_t *given;
		json_t *same;
	} u = { .given = j };

	return u.same;
}

/* A JSON string of any bytes up to the NUL: what is not UTF-8 becomes '?'.  Never NULL. */
json_t *json_text(const char *s);

/* json_compact() then file_replace(). */
int json_write_file(int dirfd, const char *path, mode_t mode, const json_t *j, struct err *e);

/*
 * Members of an object we wrote or checked ourselves: the value, or the
 * default when the member is absent or of another type.  Strings are borrowed.
 */
const char *json_get_str(const json_t *o, const char *key, const char *otherwise);
/* A text that was left out, or left empty, is NULL. */
const char *json_get_opt(const json_t *o, const char *key);
uint64_t json_get_u64(const json_t *o, const char *key, uint64_t otherwise);
bool json_get_bool(const json_t *o, const char *key, bool otherwise);
