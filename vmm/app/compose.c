/* SPDX-License-Identifier: Apache-2.0 */
#include "app/compose.h"

#include <jansson.h>

#include "base/str.h"
#include "app/app_yaml.h"
#include "data/json.h"

/* A value that is left out when it was not written. */
static void set_value(json_t *o, const char *key, const json_t *value)
{
	if (value)
		(void)json_object_set_new(o, key, json_deep_copy(value));
}

static void set_bool(json_t *o, const char *key, const json_t *value, int negate)
{
	(void)json_object_set_new(o, key, json_boolean(json_is_true(value) != negate));
}

/* One script is a string, as every guest knows it; several are a list, since version 3. */
static void set_init_scripts(json_t *o, const json_t *scripts)
{
	json_t *list = json_array();
	const json_t *s;
	size_t i;

	json_array_foreach(scripts, i, s)
		(void)json_array_append(list, json_object_get(s, "script"));
	if (json_array_size(list) == 1)
		(void)json_object_set(o, "init_script", json_array_get(list, 0));
	else if (json_array_size(list) > 1)
		(void)json_object_set(o, "init_script", list);
	json_decref(list);
}

static void set_app(json_t *o, const struct app *a)
{
	set_value(o, "name", app_get(a, "name"));
	set_value(o, "runner", app_get(a, "app.runner"));
	set_value(o, "bash_script", app_get(a, "app.script"));
	set_value(o, "docker_compose_file", app_get(a, "app.docker_compose"));
	set_value(o, "pre_launch_script", app_get(a, "app.pre_launch"));
	set_init_scripts(o, app_get(a, "app.init_scripts"));
}

static void set_keys(json_t *o, const struct app *a)
{
	const char *provider = app_str(a, "key_provider");

	set_value(o, "key_provider", app_get(a, "key_provider"));
	set_value(o, "key_provider_id", app_get(a, "key_provider_id"));
	/* ours, and left out if false: composes of before keep their hash */
	if (json_is_true(app_get(a, "key_provider_unpinned")))
		(void)json_object_set_new(o, "key_provider_unpinned", json_true());
	/* the older spelling of the same, for guests that know only that */
	(void)json_object_set_new(o, "kms_enabled", json_boolean(str_equal(provider, "kms")));
	(void)json_object_set_new(o, "local_key_provider_enabled",
				  json_boolean(str_equal(provider, "local")));
	set_bool(o, "gateway_enabled", app_get(a, "gateway"), 0);
	set_value(o, "ready_port", app_get(a, "ready_port")); /* ours */
}

/* Left out where it says nothing: composes of before keep their hash. */
static void set_port_policy(json_t *o, const struct app *a)
{
	const json_t *policy = app_get(a, "port_policy");

	if (json_is_true(json_object_get(policy, "restrict_mode")) ||
	    json_array_size(json_object_get(policy, "ports")))
		set_value(o, "port_policy", policy);
}

static void set_guest(json_t *o, const struct app *a)
{
	const json_t *log = app_get(a, "event_log_version");

	set_bool(o, "public_logs", app_get(a, "public.logs"), 0);
	set_bool(o, "public_sysinfo", app_get(a, "public.sysinfo"), 0);
	set_bool(o, "public_tcbinfo", app_get(a, "public.tcbinfo"), 0);
	set_value(o, "allowed_envs", app_get(a, "env"));
	set_bool(o, "no_instance_id", app_get(a, "instance_id"), 1);
	set_bool(o, "secure_time", app_get(a, "secure_time"), 0);
	set_value(o, "storage_fs", app_get(a, "storage_fs"));
	set_value(o, "swap_size", app_get(a, "swap"));
	if (json_integer_value(log) > 1)
		set_value(o, "event_log_version", log);
}

static int needs_version_3(const struct app *a)
{
	return str_equal(app_str(a, "app.runner"), "nerdctl-compose") ||
	       json_array_size(app_get(a, "app.init_scripts")) > 1;
}

char *compose_text(const struct app *a)
{
	json_t *o = json_object();
	char *text;

	(void)json_object_set_new(o, "manifest_version",
				  needs_version_3(a) ? json_string("3") : json_integer(2));
	set_app(o, a);
	set_keys(o, a);
	set_port_policy(o, a);
	set_guest(o, a);
	text = json_canonical(o);
	json_decref(o);
	return text;
}
