/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each KMS is asked by itself, by the daemon or from here, until one's answer holds: one that lies must not keep us
 * from the next.
 */
#include "cli/seal.h"

#include "app/app_yaml.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/exit.h"
#include "cli/kms_call.h"
#include "crypto/env_box.h"
#include "data/json.h"

#define METHOD "GetAppEnvEncryptPubKey"

/* @url: NULL: whomever the daemon chooses. */
static int ask(const struct cli *c, const struct seal_args *a, const char *url, json_t **ret,
	       struct err *e)
{
	char hex[2 * APP_KEYS_ID + 1];
	json_t *params;
	int rc;

	str_hex(hex, a->rules.app_id, sizeof(a->rules.app_id));
	params = json_pack("{s:s}", "app_id", hex);
	if (!a->kms && url)
		(void)json_object_set_new(params, "kms_urls", json_pack("[s]", url));
	rc = a->kms ? kms_call(c, url, METHOD, params, NULL, ret, e)
		    : api_call(&c->api, METHOD, params, ret, e);
	json_decref(params);
	return rc;
}

static int ask_and_check(const struct cli *c, const struct seal_args *a, const char *url,
			 struct env_key *ret, struct err *e)
{
	struct env_key_rules rules = a->rules;
	json_t *answer = NULL;
	int rc = ask(c, a, url, &answer, e);

	if (rc < 0)
		return rc;
	rules.now = time_unix_ms() / 1000;
	rc = env_key_check(answer, &rules, ret, e);
	json_decref(answer);
	if (rc < 0 && url)
		return err_wrap(e, rc, "%s", url);
	return rc;
}

/* Of several failures the one that tells most: a lie, before silence. */
static void keep(struct err *kept, const struct err *now)
{
	if (!kept->code || (now->code == ERR_UNPROVEN && kept->code != ERR_UNPROVEN))
		*kept = *now;
}

/* Those of the app's YAML, or those that the daemon knows; NULL: let it choose.  The caller owns it. */
static json_t *urls_of(const struct cli *c, const struct seal_args *a)
{
	json_t *meta = NULL, *urls;

	if (a->kms)
		return json_pack("[s]", a->kms);
	if (json_array_size(a->kms_urls))
		return json_deep_copy(a->kms_urls);
	if (api_call(&c->api, "GetMeta", NULL, &meta, NULL) < 0)
		return NULL;
	urls = json_incref(json_object_get(json_object_get(meta, "kms"), "urls"));
	json_decref(meta);
	return urls;
}

static int find_key(const struct cli *c, const struct seal_args *a, struct env_key *ret,
		    struct err *e)
{
	json_t *urls = urls_of(c, a), *url;
	struct err kept = ERR_NONE, now;
	size_t i;
	int rc = 0;

	if (!json_array_size(urls))
		rc = ask_and_check(c, a, NULL, ret, e);
	json_array_foreach(urls, i, url) {
		if (!json_is_string(url))
			continue;
		now = ERR_NONE;
		rc = ask_and_check(c, a, json_string_value(url), ret, &now);
		if (rc == 0)
			break;
		keep(&kept, &now);
		rc = err_set(e, kept.code, "%s", kept.text);
	}
	json_decref(urls);
	return rc;
}

int seal_env(const struct cli *c, const struct seal_args *a, const struct env_file *f,
	     struct sealed *ret, struct err *e)
{
	auto_buf struct buf bytes = BUF_MAX(APP_SEALED_MAX);
	struct env_key key;
	int rc = find_key(c, a, &key, e);

	if (rc == 0)
		rc = env_box_seal(key.key, f->plain.p, f->plain.n, &bytes, e);
	if (rc < 0)
		return rc;
	ret->bytes = bytes;
	ret->signed_at = key.signed_at;
	bytes = (struct buf){ 0 };
	return 0;
}
