/* SPDX-License-Identifier: Apache-2.0 */
#include "data/app_compose.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "data/app_compose_parts.h"
#include "data/fields.h"
#include "data/json.h"

enum { NEWEST_WITH_NUMBERS = 2, FIRST_WITH_REQUIREMENTS = 3 };

static const char *const key_providers[] = {
	[APP_KEY_PROVIDER_NONE] = "none",   [APP_KEY_PROVIDER_KMS] = "kms",
	[APP_KEY_PROVIDER_LOCAL] = "local", [APP_KEY_PROVIDER_TPM] = "tpm",
	[APP_KEY_PROVIDER_COUNT] = NULL,
};

const char *app_key_provider_name(enum app_key_provider p)
{
	return p < APP_KEY_PROVIDER_COUNT ? key_providers[p] : "none";
}

/* "1", "2", "3", ... as people would write them; the numbers 1 and 2 of older files. */
static void read_version(struct fields *f, struct app_compose *c)
{
	static const char key[] = "manifest_version";
	const json_t *v = json_object_get(f->o, key);
	const char *text = json_string_value(v);
	uint32_t n = 0;

	if (!v) {
		fields_fail(f, key, "missing");
	} else if (json_is_integer(v) && json_integer_value(v) > NEWEST_WITH_NUMBERS) {
		fields_fail(f, key,
			    "numeric manifest_version is only supported for legacy versions "
			    "1 and 2; use a string for newer versions");
	} else if (json_is_integer(v) && json_integer_value(v) > 0) {
		n = (uint32_t)json_integer_value(v);
	} else if (!text || text[0] == '0' || num_parse_u32(text, 1, UINT32_MAX, &n) < 0) {
		fields_fail(f, key, "expected a positive integer in a string");
	}
	c->manifest_version = n;
}

static void read_init_scripts(struct fields *f, struct app_compose *c)
{
	static const char key[] = "init_script";
	const json_t *v = json_object_get(f->o, key), *script;
	size_t i;

	if (!v || json_is_null(v))
		return;
	if (json_is_string(v)) {
		c->init_scripts[c->n_init_scripts++] = json_string_value(v);
		return;
	}
	if (!json_is_array(v))
		fields_fail(f, key, "expected a string or a list of strings");
	if (json_array_size(v) > APP_COMPOSE_INIT_SCRIPTS_MAX)
		fields_fail(f, key, "init_script supports at most %d scripts",
			    APP_COMPOSE_INIT_SCRIPTS_MAX);
	for (i = 0; f->rc == 0 && i < json_array_size(v); i++) {
		script = json_array_get(v, i);
		if (!json_is_string(script))
			fields_fail(f, key, "element %zu: expected a string", i);
		c->init_scripts[c->n_init_scripts++] = json_string_value(script);
	}
}

static bool lists(const struct app_texts *t, const char *text)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (str_equal(t->p[i], text))
			return true;
	}
	return false;
}

static void read_gateway(struct fields *f, struct app_compose *c)
{
	bool is_enabled = fields_bool(f, "gateway_enabled", false);
	bool was_enabled = fields_bool(f, "tproxy_enabled", false);

	c->gateway_enabled = is_enabled || was_enabled || lists(&c->features, "tproxy-net");
	c->ready_port = (uint16_t)fields_u64(f, "ready_port", 1, UINT16_MAX, 0);
}

static void read_key_provider(struct fields *f, struct app_compose *c)
{
	bool is_kms = fields_bool(f, "kms_enabled", false);
	bool is_local = fields_bool(f, "local_key_provider_enabled", false);
	const char *name = fields_one_of(f, "key_provider", key_providers);

	if (!name)
		name = is_kms ? "kms" : is_local ? "local" : "none";
	while (!str_equal(name, key_providers[c->key_provider]))
		c->key_provider++;
}

static void read_key_provider_id(struct fields *f, struct app_compose *c)
{
	static const char key[] = "key_provider_id";
	const char *hex = fields_text(f, key, "");
	size_t n = strlen(hex) / 2;

	if (n > APP_COMPOSE_KEY_ID_MAX) {
		fields_fail(f, key, "%zu bytes, at most %d", n, APP_COMPOSE_KEY_ID_MAX);
		return;
	}
	c->key_provider_id = xcalloc(1, n + 1);
	c->n_key_provider_id = n;
	if (str_unhex(c->key_provider_id, n, hex) < 0)
		fields_fail(f, key, "expected bytes in hex, without 0x");
}

static bool hex_number(const char *s, uint64_t *ret)
{
	uint8_t bytes[8] = { 0 };
	char digits[17];
	size_t n = strlen(s), i;

	if (n == 0 || n > 16)
		return false;
	memset(digits, '0', sizeof(digits));
	memcpy(digits + 16 - n, s, n + 1);
	if (str_unhex(bytes, sizeof(bytes), digits) < 0)
		return false;
	for (*ret = 0, i = 0; i < sizeof(bytes); i++)
		*ret = *ret << 8 | bytes[i];
	return true;
}

/* A number, or text: "4294967296", "0x100000000", "4G". */
static void read_swap_size(struct fields *f, struct app_compose *c)
{
	static const char key[] = "swap_size";
	const json_t *v = json_object_get(f->o, key);
	const char *text = json_string_value(v);
	bool ok;

	if (!text) {
		c->swap_size = fields_u64(f, key, 0, INT64_MAX, 0);
		return;
	}
	if (str_starts(text, "0x") || str_starts(text, "0X"))
		ok = hex_number(text + 2, &c->swap_size);
	else
		ok = num_parse_size(text, 0, UINT64_MAX, &c->swap_size) == 0;
	if (!ok)
		fields_fail(f, key, "expected a size such as 4294967296, 0x100000000 or 4G");
}

static void read_all(struct fields *f, struct app_compose *c)
{
	static const char *const snapshotters[] = { "overlayfs", "stargz", NULL };

	read_version(f, c);
	c->name = fields_need_text(f, "name");
	c->runner = fields_need_text(f, "runner");
	app_texts_read(f, "features", &c->features);
	c->snapshotter = fields_one_of(f, "snapshotter", snapshotters);
	c->docker_compose_file = fields_text_or_null(f, "docker_compose_file");
	c->bash_script = fields_text_or_null(f, "bash_script");
	c->pre_launch_script = fields_text_or_null(f, "pre_launch_script");
	read_init_scripts(f, c);
	c->public_logs = fields_bool(f, "public_logs", false);
	c->public_sysinfo = fields_bool(f, "public_sysinfo", false);
	c->public_tcbinfo = fields_bool(f, "public_tcbinfo", true);
	read_gateway(f, c);
	read_key_provider(f, c);
	read_key_provider_id(f, c);
	c->key_provider_unpinned = fields_bool(f, "key_provider_unpinned", false);
	app_texts_read(f, "allowed_envs", &c->allowed_envs);
	c->no_instance_id = fields_bool(f, "no_instance_id", false);
	c->secure_time = fields_bool(f, "secure_time", true);
	c->storage_fs = fields_text_or_null(f, "storage_fs");
	read_swap_size(f, c);
	c->event_log_version = (unsigned int)fields_u64(f, "event_log_version", 1, 2, 1);
	app_port_policy_read(f, c);
	app_requirements_read(f, &c->requirements);
	app_volumes_read(f, c);
}

int app_compose_parse(const void *p, size_t n, struct app_compose **ret, struct err *e)
{
	struct app_compose *c = xnew(struct app_compose);
	struct fields f = { .what = "app-compose.json", .e = e };

	f.rc = json_parse(p, n, APP_COMPOSE_MAX, f.what, &c->doc, e);
	if (f.rc == 0 && !json_is_object(c->doc))
		f.rc = err_set(e, ERR_INPUT, "%s: expected an object", f.what);
	if (f.rc == 0) {
		f.o = c->doc;
		read_all(&f, c);
	}
	if (f.rc < 0)
		app_compose_free(c);
	else
		*ret = c;
	return f.rc;
}

void app_compose_free(struct app_compose *c)
{
	if (!c)
		return;
	free(c->features.p);
	free(c->key_provider_id);
	free(c->allowed_envs.p);
	free(c->port_rules);
	free(c->requirements.platforms.p);
	free(c->volumes);
	json_decref(c->doc);
	free(c);
}

int app_compose_check(const struct app_compose *c, struct err *e)
{
	bool is_nerdctl = str_equal(c->runner, "nerdctl-compose");
	const char *newer = NULL;

	if (c->manifest_version > APP_COMPOSE_VERSION_MAX)
		return err_set(e, ERR_INPUT, "Unsupported manifest_version: %u, max supported: %d",
			       c->manifest_version, APP_COMPOSE_VERSION_MAX);
	if (c->requirements.is_given)
		newer = "requirements";
	else if (is_nerdctl)
		newer = "runner nerdctl-compose";
	else if (c->n_init_scripts > 1)
		newer = "more than one init script";
	if (newer && c->manifest_version < FIRST_WITH_REQUIREMENTS)
		return err_set(e, ERR_INPUT, "%s needs manifest_version \"%d\" or newer, not %u",
			       newer, FIRST_WITH_REQUIREMENTS, c->manifest_version);
	if (c->snapshotter && !is_nerdctl)
		return err_set(e, ERR_INPUT, "snapshotter is only for runner nerdctl-compose");
	return 0;
}
