/* SPDX-License-Identifier: Apache-2.0 */
#include "data/luks2_json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"

#define WHAT "LUKS2 header's JSON"

enum {
	PATH_SIZE = 64,
	SHOWN_SIZE = 72,
	BINARY_SIZE = 4096, /* of a copy, in front of the JSON */
	BYTES = 32,	    /* of a salt, of a digest */
};

enum form {
	OBJECT,
	TEXT,	/* this text */
	NUMBER, /* this number */
	COUNT,	/* of PBKDF2's rounds */
	SIZE,	/* a number as text; looked at in check_layout() */
	SECRET, /* BYTES bytes in base64 */
	ZERO,	/* the list ["0"] */
};

/* Every member that there is, and no other. */
static const struct row {
	const char *object, *key;
	enum form form;
	const char *text;
	json_int_t number;
} rows[] = {
	{ "", "keyslots", OBJECT, NULL, 0 },
	{ "", "tokens", OBJECT, NULL, 0 },
	{ "", "segments", OBJECT, NULL, 0 },
	{ "", "digests", OBJECT, NULL, 0 },
	{ "", "config", OBJECT, NULL, 0 },
	{ "keyslots", "0", OBJECT, NULL, 0 },
	{ "keyslots.0", "type", TEXT, "luks2", 0 },
	{ "keyslots.0", "key_size", NUMBER, NULL, 64 },
	{ "keyslots.0", "af", OBJECT, NULL, 0 },
	{ "keyslots.0", "area", OBJECT, NULL, 0 },
	{ "keyslots.0", "kdf", OBJECT, NULL, 0 },
	{ "keyslots.0.af", "type", TEXT, "luks1", 0 },
	{ "keyslots.0.af", "stripes", NUMBER, NULL, 4000 },
	{ "keyslots.0.af", "hash", TEXT, "sha256", 0 },
	{ "keyslots.0.area", "type", TEXT, "raw", 0 },
	{ "keyslots.0.area", "offset", SIZE, NULL, 0 },
	{ "keyslots.0.area", "size", SIZE, NULL, 0 },
	{ "keyslots.0.area", "encryption", TEXT, "aes-xts-plain64", 0 },
	{ "keyslots.0.area", "key_size", NUMBER, NULL, 64 },
	{ "keyslots.0.kdf", "type", TEXT, "pbkdf2", 0 },
	{ "keyslots.0.kdf", "hash", TEXT, "sha256", 0 },
	{ "keyslots.0.kdf", "iterations", COUNT, NULL, 0 },
	{ "keyslots.0.kdf", "salt", SECRET, NULL, 0 },
	{ "segments", "0", OBJECT, NULL, 0 },
	{ "segments.0", "type", TEXT, "crypt", 0 },
	{ "segments.0", "offset", TEXT, "16777216", 0 }, /* LUKS2_DATA_OFFSET */
	{ "segments.0", "size", TEXT, "dynamic", 0 },
	{ "segments.0", "iv_tweak", TEXT, "0", 0 },
	{ "segments.0", "encryption", TEXT, "aes-xts-plain64", 0 },
	{ "segments.0", "sector_size", NUMBER, NULL, 512 },
	{ "digests", "0", OBJECT, NULL, 0 },
	{ "digests.0", "type", TEXT, "pbkdf2", 0 },
	{ "digests.0", "keyslots", ZERO, NULL, 0 },
	{ "digests.0", "segments", ZERO, NULL, 0 },
	{ "digests.0", "hash", TEXT, "sha256", 0 },
	{ "digests.0", "iterations", COUNT, NULL, 0 },
	{ "digests.0", "salt", SECRET, NULL, 0 },
	{ "digests.0", "digest", SECRET, NULL, 0 },
	{ "config", "json_size", SIZE, NULL, 0 },
	{ "config", "keyslots_size", SIZE, NULL, 0 },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), ROUNDS_MIN = 1000 };

static int bad(struct err *e, const struct row *row, const char *what)
{
	return err_set(e, ERR_INPUT, WHAT ": %s%s%s: %s", row->object, row->object[0] ? "." : "",
		       row->key, what);
}

/* The object at a path of rows, "a.b.c"; NULL when it, or one above it, is none. */
static const json_t *object_at(const json_t *top, const char *path)
{
	char word[PATH_SIZE];
	size_t n;

	while (*path && top) {
		n = strcspn(path, ".");
		if (str_format(word, sizeof(word), "%.*s", (int)n, path) < 0)
			return NULL;
		top = json_object_get(top, word);
		path += n + (path[n] == '.');
	}
	return json_is_object(top) ? top : NULL;
}

static bool is_known(const char *object, const char *key)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		if (str_equal(rows[i].object, object) && str_equal(rows[i].key, key))
			return true;
	}
	return false;
}

/* Has it members that no row names? */
static int check_only(const json_t *o, const char *path, struct err *e)
{
	char shown[SHOWN_SIZE];
	const char *key;
	json_t *value;

	json_object_foreach(json_unconst(o), key, value) {
		if (!is_known(path, key)) {
			return err_set(e, ERR_INPUT, WHAT ": %s%s%s: must not be there", path,
				       path[0] ? "." : "",
				       str_escape(shown, sizeof(shown), key, strlen(key)));
		}
	}
	return 0;
}

static bool is_secret(const json_t *v)
{
	uint8_t bytes[BYTES + 3];
	const char *text = json_string_value(v);
	size_t n = text ? strlen(text) : 0;

	return text && base64_room(n) <= sizeof(bytes) && base64_decode(bytes, text, n) == BYTES;
}

static bool is_list_of_zero(const json_t *v)
{
	const char *text = json_string_value(json_array_get(v, 0));

	return json_array_size(v) == 1 && text && str_equal(text, "0");
}

static int check_value(const struct row *row, const json_t *v, struct err *e)
{
	char wanted[PATH_SIZE];

	switch (row->form) {
	case TEXT:
		(void)str_format(wanted, sizeof(wanted), "expected \"%s\"", row->text);
		return json_is_string(v) && str_equal(json_string_value(v), row->text)
			       ? 0
			       : bad(e, row, wanted);
	case NUMBER:
		(void)str_format(wanted, sizeof(wanted), "expected %" JSON_INTEGER_FORMAT,
				 row->number);
		return json_is_integer(v) && json_integer_value(v) == row->number
			       ? 0
			       : bad(e, row, wanted);
	case COUNT:
		return json_is_integer(v) && json_integer_value(v) >= ROUNDS_MIN &&
				       json_integer_value(v) <= UINT32_MAX
			       ? 0
			       : bad(e, row, "expected a number of at least 1000");
	case SECRET:
		return is_secret(v) ? 0 : bad(e, row, "expected 32 bytes in base64");
	case ZERO:
		return is_list_of_zero(v) ? 0 : bad(e, row, "expected [\"0\"]");
	case SIZE:
		return json_is_string(v) ? 0 : bad(e, row, "expected a number as text");
	case OBJECT:
	default:
		return json_is_object(v) ? 0 : bad(e, row, "expected an object");
	}
}

/* Objects come before what is in them, so each is there when its rows are looked at. */
static int check_rows(const json_t *top, struct err *e)
{
	const json_t *o, *v;
	int rc = check_only(top, "", e);
	size_t i;

	for (i = 0; rc == 0 && i < ROWS; i++) {
		o = object_at(top, rows[i].object);
		v = o ? json_object_get(o, rows[i].key) : NULL;
		rc = v ? check_value(&rows[i], v, e) : bad(e, &rows[i], "missing");
		if (rc == 0 && rows[i].form == OBJECT) {
			char path[PATH_SIZE];

			(void)str_format(path, sizeof(path), "%s%s%s", rows[i].object,
					 rows[i].object[0] ? "." : "", rows[i].key);
			rc = check_only(v, path, e);
		}
	}
	return rc;
}

static int size_of(const json_t *top, const char *path, const char *key, uint64_t *ret,
		   struct err *e)
{
	const char *text = json_string_value(json_object_get(object_at(top, path), key));

	if (!text || num_parse_u64(text, 0, LUKS2_DATA_OFFSET, ret) < 0 ||
	    (text[0] == '0' && text[1]))
		return err_set(e, ERR_INPUT, WHAT ": %s.%s: expected a number up to %d", path, key,
			       LUKS2_DATA_OFFSET);
	return 0;
}

/* Two header copies, then the key slot, all of it before the data. */
static int check_layout(const json_t *top, uint64_t size, struct luks2_layout *ret, struct err *e)
{
	struct luks2_layout at = { 0 };
	uint64_t json_size = 0, slots_size = 0;
	int rc = size_of(top, "keyslots.0.area", "offset", &at.area_offset, e);

	if (rc == 0)
		rc = size_of(top, "keyslots.0.area", "size", &at.area_size, e);
	if (rc == 0)
		rc = size_of(top, "config", "json_size", &json_size, e);
	if (rc == 0)
		rc = size_of(top, "config", "keyslots_size", &slots_size, e);
	if (rc)
		return rc;
	if (json_size + BINARY_SIZE != size)
		return err_set(e, ERR_INPUT, WHAT ": config.json_size: not that of the header");
	if (slots_size > LUKS2_DATA_OFFSET - 2 * size)
		return err_set(e, ERR_INPUT, WHAT ": config.keyslots_size: reaches into the data");
	if (at.area_offset < 2 * size)
		return err_set(e, ERR_INPUT,
			       WHAT ": keyslots.0.area.offset: it is in the header itself");
	if (at.area_size < LUKS2_KEY_AREA_MIN)
		return err_set(e, ERR_INPUT, WHAT ": keyslots.0.area.size: smaller than a key");
	if (at.area_offset + at.area_size > LUKS2_DATA_OFFSET)
		return err_set(e, ERR_INPUT, WHAT ": keyslots.0.area: it reaches into the data");
	*ret = at;
	return 0;
}

int luks2_json_check(const char *p, size_t n, uint64_t size, struct luks2_layout *ret,
		     struct err *e)
{
	json_auto_t *top = NULL;
	int rc = json_parse(p, n, LUKS2_JSON_MAX, WHAT, &top, e);

	if (rc == 0 && !json_is_object(top))
		rc = err_set(e, ERR_INPUT, WHAT ": expected an object");
	if (rc == 0)
		rc = check_rows(top, e);
	return rc ? rc : check_layout(top, size, ret, e);
}
