/* SPDX-License-Identifier: Apache-2.0 */
#include "data/instance_info.h"

#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "data/fields.h"
#include "data/json.h"

static void read_id(struct fields *f, const char *key, struct instance_id *id)
{
	const char *hex = fields_text(f, key, "");
	size_t n = strlen(hex) / 2;

	if (n > INSTANCE_INFO_ID_MAX)
		fields_fail(f, key, "%zu bytes, at most %d", n, INSTANCE_INFO_ID_MAX);
	else if (str_unhex(id->b, n, hex) < 0)
		fields_fail(f, key, "expected bytes in hex, without 0x");
	else
		id->n = n;
}

int instance_info_parse(const void *p, size_t n, struct instance_info *ret, struct err *e)
{
	struct fields f = { .what = ".instance_info", .e = e };
	struct instance_info i = { .seed.n = 0 };
	json_auto_t *o = NULL;
	int rc = json_parse(p, n, INSTANCE_INFO_MAX, f.what, &o, e);

	if (rc < 0)
		return rc;
	if (!json_is_object(o))
		return err_set(e, ERR_INPUT, "%s: expected an object", f.what);
	f.o = o;
	read_id(&f, "instance_id_seed", &i.seed);
	read_id(&f, "instance_id", &i.instance_id);
	read_id(&f, "app_id", &i.app_id);
	if (f.rc == 0)
		*ret = i;
	return f.rc;
}

static void add(json_t *o, const char *key, const struct instance_id *id)
{
	char hex[2 * INSTANCE_INFO_ID_MAX + 1];

	str_hex(hex, id->b, id->n);
	(void)json_object_set_new(o, key, json_string(hex));
}

char *instance_info_text(const struct instance_info *i)
{
	json_auto_t *o = json_object();

	if (i->seed.n || i->instance_id.n) {
		add(o, "instance_id_seed", &i->seed);
		add(o, "instance_id", &i->instance_id);
	}
	add(o, "app_id", &i->app_id);
	return json_compact(o);
}
