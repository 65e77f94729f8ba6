/* SPDX-License-Identifier: Apache-2.0 */
/* A query becomes a JSON object of texts first; from there it is the JSON reader's work. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/proto.h"
#include "data/proto_json.h"

/* Undo form encoding in place.  Return: 0 or ERR_INPUT. */
static int unquote(char *s, struct err *e)
{
	char *to = s, pair[3] = "";

	for (; *s; s++, to++) {
		*to = *s == '+' ? ' ' : *s;
		if (*s != '%')
			continue;
		pair[0] = s[1];
		pair[1] = s[1] ? s[2] : 0;
		if (str_unhex(to, 1, pair) < 0 || *to == 0)
			return err_set(e, ERR_INPUT, "query: bad percent-encoding");
		s += 2;
	}
	*to = 0;
	return 0;
}

/* "ids[3]" and "ids[]" name an element of ids: cut the brackets off. */
static bool cut_index(char *key)
{
	char *open = strchr(key, '[');

	if (!open || open == key || strspn(open + 1, "0123456789") + 2 != strlen(open) ||
	    !str_ends(open, "]"))
		return false;
	*open = 0;
	return true;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d, char *key,
						struct err *e, int *rc)
{
	bool is_element = cut_index(key);
	const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(d, key);

	if (f && is_element && f->label != PROTOBUF_C_LABEL_REPEATED)
		*rc = err_set(e, ERR_INPUT, "query: field '%s' is not a list", f->name);
	return f;
}

static int add(json_t *o, const ProtobufCFieldDescriptor *f, const char *value, struct err *e)
{
	json_t *list = json_object_get(o, f->name), *text = json_string(value);

	if (!text)
		return err_set(e, ERR_INPUT, "query: field '%s' is not valid UTF-8", f->name);
	if (f->label != PROTOBUF_C_LABEL_REPEATED && list) {
		json_decref(text);
		return err_set(e, ERR_INPUT, "query: field '%s' is given twice", f->name);
	}
	if (f->label != PROTOBUF_C_LABEL_REPEATED) {
		(void)json_object_set_new(o, f->name, text);
		return 0;
	}
	if (!list) {
		list = json_array();
		(void)json_object_set_new(o, f->name, list);
	}
	(void)json_array_append_new(list, text);
	return 0;
}

static int add_pair(const ProtobufCMessageDescriptor *d, json_t *o, char *pair, struct err *e)
{
	const ProtobufCFieldDescriptor *f;
	char *value = strchr(pair, '=');
	int rc;

	if (value)
		*value++ = 0;
	rc = unquote(pair, e);
	if (rc == 0 && value)
		rc = unquote(value, e);
	if (rc < 0)
		return rc;
	f = field_of(d, pair, e, &rc);
	if (!f || rc < 0)
		return rc;
	return add(o, f, value ? value : "", e);
}

int proto_from_query(const ProtobufCMessageDescriptor *d, const char *query, ProtobufCMessage **ret,
		     struct err *e)
{
	auto_free char *copy = xstrdup(query ? query : "");
	json_auto_t *o = json_object();
	char *rest = copy, *pair;
	size_t n = 0;
	int rc;

	while ((pair = strsep(&rest, "&")) != NULL) {
		if (++n > PROTO_ITEMS_MAX)
			return err_set(e, ERR_LIMIT, "query: more than %d fields", PROTO_ITEMS_MAX);
		rc = add_pair(d, o, pair, e);
		if (rc < 0)
			return rc;
	}
	return proto_json_read(d, o, true, ret, e);
}
