/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/config_id.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/fields.h"
#include "data/json.h"
#include "data/sys_config.h"
#include "guest-stub/measure.h"
#include "tee/mr_config.h"

enum { V1 = 1, V2, V3 };

/* As version 2 has them. */
static const uint8_t kinds[] = {
	[APP_KEY_PROVIDER_NONE] = 0,
	[APP_KEY_PROVIDER_LOCAL] = 1,
	[APP_KEY_PROVIDER_KMS] = 2,
	[APP_KEY_PROVIDER_TPM] = 3,
};

static int differs(const char *what, struct err *e)
{
	return err_set(e, ERR_PROTO, "MRCONFIGID is of another %s than this guest has", what);
}

/* A member of the document, in hex, against what we have; absent: @is_needed says whether that will do. */
static int compare(const json_t *doc, const char *key, bool is_needed, const uint8_t *ours,
		   size_t n, struct err *e)
{
	const char *hex = json_get_str(doc, key, "");
	auto_free char *want = xcalloc(2, n + 1);

	if (!is_needed && !json_object_get(doc, key))
		return 0;
	str_hex(want, ours, n);
	return str_equal(hex, want) ? 0 : differs(key, e);
}

/* Absent will do; else each script's digest, in order. */
static int compare_scripts(const json_t *doc, const struct measure_app *app, struct err *e)
{
	static const char key[] = "init_script_hashes";
	const json_t *list = json_object_get(doc, key);
	char want[2 * sizeof(struct digest256) + 1];
	struct digest256 d;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) != app->n_init_scripts)
		return differs(key, e);
	for (i = 0; i < app->n_init_scripts; i++) {
		d = digest256_bytes(app->init_scripts[i], strlen(app->init_scripts[i]));
		str_hex(want, d.b, sizeof(d.b));
		if (!json_is_string(json_array_get(list, i)) ||
		    !str_equal(json_string_value(json_array_get(list, i)), want))
			return differs(key, e);
	}
	return 0;
}

/* A member that is not known may bind to what is not looked at here. */
static int check_known(const json_t *doc, struct err *e)
{
	static const char *const known[] = {
		"app_id",      "compose_hash", "gpu_policy_hash", "init_script_hashes",
		"instance_id", "key_provider", "key_provider_id", "version",
		NULL
	};
	struct fields f = { .o = doc, .what = "mr_config", .e = e };

	fields_only(&f, known);
	return f.rc < 0 ? ERR_PROTO : 0;
}

static int check_members(const json_t *doc, const struct config_id_args *a, struct err *e)
{
	const struct measure_identity *id = a->identity;
	const char *provider = app_key_provider_name(a->provider);
	struct digest256 policy = measure_gpu_policy(a->app->gpu_policy);
	int r = compare(doc, "compose_hash", true, id->compose_hash.b, sizeof(id->compose_hash.b),
			e);

	if (r == 0)
		r = compare(doc, "app_id", false, id->app_id, sizeof(id->app_id), e);
	if (r == 0)
		r = compare(doc, "instance_id", false, id->instance_id,
			    id->has_instance_id ? sizeof(id->instance_id) : 0, e);
	if (r == 0 && !str_equal(json_get_str(doc, "key_provider", provider), provider))
		r = differs("key_provider", e);
	if (r == 0 && a->is_provider_known)
		r = compare(doc, "key_provider_id", false, a->provider_id, a->n_provider_id, e);
	if (r == 0)
		r = compare(doc, "gpu_policy_hash", false, policy.b, sizeof(policy.b), e);
	return r ? r : compare_scripts(doc, a->app, e);
}

static int check_document(const struct config_id_args *a, struct err *e)
{
	const char *text = a->document ? a->document : "";
	struct mr_config m = mr_config_v3(text, strlen(text));
	json_auto_t *doc = NULL;
	int r;

	if (memcmp(m.b, a->id->b, sizeof(m.b)) != 0) {
		return err_set(e, ERR_PROTO,
			       "MRCONFIGID is not that of mr_config in .sys-config.json%s",
			       a->document ? "" : ", which is missing");
	}
	r = json_parse(text, strlen(text), SYS_CONFIG_MAX, "mr_config", &doc, e);
	if (r == 0 && json_get_u64(doc, "version", 0) != V3)
		r = err_set(e, ERR_PROTO, "mr_config: its version is not 3");
	if (r == 0)
		r = check_known(doc, e);
	return r ? r : check_members(doc, a, e);
}

int config_id_check(const struct config_id_args *a, struct err *e)
{
	static const struct digest384 none;
	const struct measure_identity *id = a->identity;
	struct mr_config m;

	if (memcmp(a->id, &none, sizeof(none)) == 0)
		return 0;
	switch (a->id->b[0]) {
	case V1:
		m = mr_config_v1(&id->compose_hash);
		break;
	case V2:
		if (!a->is_provider_known)
			return 0;
		m = mr_config_v2(&id->compose_hash, id->app_id, kinds[a->provider], a->provider_id,
				 a->n_provider_id);
		break;
	case V3:
		return check_document(a, e);
	default:
		return err_set(e, ERR_PROTO, "MRCONFIGID is of version %u, which is not known",
			       a->id->b[0]);
	}
	return memcmp(m.b, a->id->b, sizeof(m.b)) == 0 ? 0 : differs("app", e);
}
