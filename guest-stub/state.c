/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/state.h"

#include <fcntl.h>

#include "base/err.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "data/json.h"
#include "guest-stub/measure.h"

enum { PATH_SIZE = 128, STATE_MAX = 256 * 1024 };

static int path_of(const char *dir, char ret[static PATH_SIZE], struct err *e)
{
	if (str_format(ret, PATH_SIZE, "%s/guest.json", dir) < 0)
		return err_set(e, ERR_INPUT, "%s is too long", dir);
	return 0;
}

int state_write(const char *dir, const struct state *s, struct err *e)
{
	char path[PATH_SIZE], app[MEASURE_ID_HEX], instance[MEASURE_ID_HEX] = "", compose[65];
	const struct measure_identity *id = s->id;
	json_t *j;
	int r = path_of(dir, path, e);

	if (r < 0)
		return r;
	str_hex(app, id->app_id, sizeof(id->app_id));
	str_hex(compose, id->compose_hash.b, sizeof(id->compose_hash.b));
	if (id->has_instance_id)
		str_hex(instance, id->instance_id, sizeof(id->instance_id));
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o}", "app_name",
		      s->app->name, "app_id", app, "instance_id", instance, "compose_hash", compose,
		      "tee", tee_kind_name(s->tee), "vm_config", s->vm_config, "public_logs",
		      s->app->public_logs, "public_sysinfo", s->app->public_sysinfo,
		      "public_tcbinfo", s->app->public_tcbinfo, "gateway_app_id",
		      json_text(s->gateway_app_id ? s->gateway_app_id : ""));
	r = json_write_file(AT_FDCWD, path, 0600, j, e);
	json_decref(j);
	return r;
}

int state_read(const char *dir, json_t **ret, struct err *e)
{
	char path[PATH_SIZE];
	int r = path_of(dir, path, e);

	return r ? r : json_read_file(AT_FDCWD, path, STATE_MAX, ret, e);
}
