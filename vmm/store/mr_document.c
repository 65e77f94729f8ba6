/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mr_document.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "data/json.h"

enum { FROM_SCRIPTS = 3 }; /* manifest_version whose init scripts are in the document */

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	if (n == 0)
		return;
	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_text(hex));
}

int mr_document_instance(const struct app_compose *c, const struct digest256 *compose_hash,
			 const uint8_t seed[static MR_DOCUMENT_ID_SIZE], struct instance_info *info,
			 struct err *e)
{
	struct instance_info i = *info;
	struct digest256 d;

	if (i.app_id.n == 0) {
		i.app_id.n = MR_DOCUMENT_ID_SIZE;
		memcpy(i.app_id.b, compose_hash->b, MR_DOCUMENT_ID_SIZE);
	}
	if (i.app_id.n != MR_DOCUMENT_ID_SIZE)
		return err_set(e, ERR_INPUT, "invalid app ID length: expected %d bytes, got %zu",
			       MR_DOCUMENT_ID_SIZE, i.app_id.n);
	if (c->key_provider == APP_KEY_PROVIDER_NONE || i.seed.n == 0) {
		i.seed.n = MR_DOCUMENT_ID_SIZE;
		memcpy(i.seed.b, seed, MR_DOCUMENT_ID_SIZE);
	}
	i.instance_id.n = 0;
	if (!c->no_instance_id) {
		const struct digest_part parts[] = { { i.seed.b, i.seed.n },
						     { i.app_id.b, i.app_id.n } };

		d = digest256_of(parts, 2);
		i.instance_id.n = MR_DOCUMENT_ID_SIZE;
		memcpy(i.instance_id.b, d.b, MR_DOCUMENT_ID_SIZE);
	}
	*info = i;
	return 0;
}

static int put_policy(json_t *o, const struct app_compose *c, struct err *e)
{
	json_t *none = json_object();
	const json_t *policy = c->requirements.gpu_policy_raw;
	auto_free char *text = json_canonical(policy ? policy : none);
	struct digest256 d;

	json_decref(none);
	if (!text)
		return err_set(e, ERR_INPUT,
			       "app-compose.json: requirements.gpu_policy has no canonical form");
	d = digest256_bytes(text, strlen(text));
	put_hex(o, "gpu_policy_hash", d.b, sizeof(d.b));
	return 0;
}

static void put_scripts(json_t *o, const struct app_compose *c)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < c->n_init_scripts; i++) {
		struct digest256 d =
			digest256_bytes(c->init_scripts[i], strlen(c->init_scripts[i]));
		char hex[65];

		str_hex(hex, d.b, sizeof(d.b));
		(void)json_array_append_new(list, json_text(hex));
	}
	(void)json_object_set_new(o, "init_script_hashes", list);
}

int mr_document(const struct mr_document_args *a, char **ret, struct err *e)
{
	const struct app_compose *c = a->compose;
	json_t *o = json_object();
	int rc = a->has_gpus ? put_policy(o, c, e) : 0;

	put_hex(o, "app_id", a->instance->app_id.b, a->instance->app_id.n);
	put_hex(o, "compose_hash", a->compose_hash.b, sizeof(a->compose_hash.b));
	if (c->manifest_version >= FROM_SCRIPTS)
		put_scripts(o, c);
	put_hex(o, "instance_id", a->instance->instance_id.b, a->instance->instance_id.n);
	(void)json_object_set_new(o, "key_provider",
				  json_text(app_key_provider_name(c->key_provider)));
	put_hex(o, "key_provider_id", c->key_provider_id, c->n_key_provider_id);
	(void)json_object_set_new(o, "version", json_integer(3));
	*ret = rc == 0 ? json_canonical(o) : NULL;
	json_decref(o);
	if (rc == 0 && !*ret)
		return err_set(e, ERR_INPUT, "this app has no MrConfig V3");
	return rc;
}
