/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/config_id.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
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

static int check_members(const json_t *doc, const struct config_id_args *a, struct err *e)
{
	const struct measure_identity *id = a->identity;
	const char *provider = app_key_provider_name(a->provider);
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
	return r;
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
