/* SPDX-License-Identifier: Apache-2.0 */
#include "data/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "data/json.h"
#include "data/nearest.h"

enum { SHOWN_SIZE = 72 };

void fields_fail(struct fields *f, const char *key, const char *fmt, ...)
{
	char message[200], shown[SHOWN_SIZE];
	va_list ap;

	if (f->rc < 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	f->rc = err_set(f->e, ERR_INPUT, "%s: %s: %s", f->what,
			str_escape(shown, sizeof(shown), key, strlen(key)), message);
}

void fields_only(struct fields *f, const char *const *known)
{
	struct nearest near;
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(json_unconst(f->o), key, value) {
		near = (struct nearest){ .word = key };
		for (i = 0; known[i] && !str_equal(known[i], key); i++)
			nearest_offer(&near, known[i]);
		if (known[i])
			continue;
		if (near.best)
			fields_fail(f, key, "unknown key; did you mean \"%s\"?", near.best);
		else
			fields_fail(f, key, "unknown key");
	}
}

bool fields_bool(struct fields *f, const char *key, bool otherwise)
{
	const json_t *v = json_object_get(f->o, key);

	if (v && !json_is_boolean(v))
		fields_fail(f, key, "expected true or false");
	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

uint64_t fields_u64(struct fields *f, const char *key, uint64_t min, uint64_t max,
		    uint64_t otherwise)
{
	const json_t *v = json_object_get(f->o, key);
	json_int_t i = json_integer_value(v);

	if (!v)
		return otherwise;
	if (json_is_integer(v) && i >= 0 && (uint64_t)i >= min && (uint64_t)i <= max)
		return (uint64_t)i;
	fields_fail(f, key, "expected a number from %" PRIu64 " to %" PRIu64, min, max);
	return otherwise;
}

const char *fields_need_text(struct fields *f, const char *key)
{
	if (!json_object_get(f->o, key))
		fields_fail(f, key, "missing");
	return fields_text(f, key, "");
}

const char *fields_text(struct fields *f, const char *key, const char *otherwise)
{
	const json_t *v = json_object_get(f->o, key);

	if (v && !json_is_string(v))
		fields_fail(f, key, "expected a string");
	return json_is_string(v) ? json_string_value(v) : otherwise;
}

const char *fields_text_or_null(struct fields *f, const char *key)
{
	return json_is_null(json_object_get(f->o, key)) ? NULL : fields_text(f, key, NULL);
}

const char *fields_one_of(struct fields *f, const char *key, const char *const *values)
{
	const char *text = fields_text_or_null(f, key);
	char shown[SHOWN_SIZE], all[96];
	size_t used = 0, i;

	all[0] = 0;
	for (i = 0; text && values[i]; i++) {
		if (str_equal(text, values[i]))
			return text;
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
					 values[i]);
	}
	if (text)
		fields_fail(f, key, "\"%s\" is not one of %s",
			    str_escape(shown, sizeof(shown), text, strlen(text)), all);
	return NULL;
}

bool fields_hex(struct fields *f, const char *key, uint8_t *dst, size_t n)
{
	const char *text = fields_text_or_null(f, key);

	if (text && str_unhex(dst, n, text) < 0)
		fields_fail(f, key, "expected %zu bytes in hex", n);
	return text != NULL;
}

const json_t *fields_list(struct fields *f, const char *key, size_t most)
{
	const json_t *v = json_object_get(f->o, key);

	if (v && !json_is_array(v))
		fields_fail(f, key, "expected a list");
	else if (json_array_size(v) > most)
		fields_fail(f, key, "has %zu elements, at most %zu", json_array_size(v), most);
	return f->rc < 0 ? NULL : v;
}

const json_t *fields_texts(struct fields *f, const char *key, size_t most)
{
	const json_t *v = fields_list(f, key, most);
	size_t i;

	for (i = 0; i < json_array_size(v); i++) {
		if (!json_is_string(json_array_get(v, i)))
			fields_fail(f, key, "element %zu: expected a string", i);
	}
	return f->rc < 0 ? NULL : v;
}

const json_t *fields_object(struct fields *f, const char *key)
{
	const json_t *v = json_object_get(f->o, key);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_object(v))
		fields_fail(f, key, "expected an object");
	return f->rc < 0 ? NULL : v;
}
