/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/seal.h"

#include "app/app_yaml.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/kms_call.h"
#include "crypto/env_box.h"

#define METHOD "GetAppEnvEncryptPubKey"

static int ask(const struct cli *c, const struct seal_args *a, json_t **ret, struct err *e)
{
	char hex[2 * APP_KEYS_ID + 1];
	json_t *params;
	int rc;

	str_hex(hex, a->rules.app_id, sizeof(a->rules.app_id));
	params = json_pack("{s:s}", "app_id", hex);
	if (!a->kms && json_array_size(a->kms_urls)) /* ours: dstack's daemons know one KMS each */
		(void)json_object_set_new(params, "kms_urls", json_deep_copy(a->kms_urls));
	rc = a->kms ? kms_call(c, a->kms, METHOD, params, NULL, ret, e)
		    : api_call(&c->api, METHOD, params, ret, e);
	json_decref(params);
	return rc;
}

int seal_env(const struct cli *c, const struct seal_args *a, const struct env_file *f,
	     struct sealed *ret, struct err *e)
{
	auto_buf struct buf bytes = BUF_MAX(APP_SEALED_MAX);
	struct env_key_rules rules = a->rules;
	json_t *answer = NULL;
	struct env_key key;
	int rc = ask(c, a, &answer, e);

	if (rc < 0)
		return rc;
	rules.now = time_unix_ms() / 1000;
	rc = env_key_check(answer, &rules, &key, e);
	json_decref(answer);
	if (rc == 0)
		rc = env_box_seal(key.key, f->plain.p, f->plain.n, &bytes, e);
	if (rc < 0)
		return rc;
	ret->bytes = bytes;
	ret->signed_at = key.signed_at;
	bytes = (struct buf){ 0 };
	return 0;
}
