/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/policy.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/app_compose.h"
#include "data/json.h"
#include "guest-stub/semver.h"
#include "guest-stub/share.h"

#define TOKEN_DOMAIN "dstack-launch-token/v1:"
#define NOT_YET	     " is not supported by this guest yet"

enum { TOKEN_MIN = 32, SHOWN_SIZE = 96 };

static int check_os_version(const struct app_requirements *r, const struct policy_guest *g,
			    struct err *e)
{
	bool does = false;
	int rc;

	if (!r->os_version)
		return 0;
	rc = semver_meets(g->os_version, r->os_version, &does, e);
	if (rc < 0)
		return err_wrap(e, rc, "requirements.os_version");
	return does ? 0
		    : err_set(e, ERR_INPUT, "requirements.os_version: this guest is %s, not %.64s",
			      g->os_version, r->os_version);
}

static int check_platform(const struct app_requirements *r, const struct policy_guest *g,
			  struct err *e)
{
	size_t i;

	if (!r->has_platforms)
		return 0;
	for (i = 0; i < r->platforms.n; i++) {
		if (g->platform[0] && str_equal(r->platforms.p[i], g->platform))
			return 0;
	}
	return err_set(e, ERR_INPUT,
		       "requirements.platforms: this guest runs on %s, which is not listed",
		       g->platform[0] ? g->platform : "no TEE");
}

/* The token's digest against the one that the app asks for; the token itself is in no message. */
static int check_token_text(const struct app_requirements *r, const char *token, struct err *e)
{
	struct digest_part parts[] = { { TOKEN_DOMAIN, strlen(TOKEN_DOMAIN) },
				       { token, strlen(token) } };
	struct digest256 d;

	if (strlen(token) < TOKEN_MIN) {
		return err_set(e, ERR_INPUT,
			       "launch token of .user-config (dstack.launch_token) is missing or "
			       "shorter than %d bytes",
			       TOKEN_MIN);
	}
	d = digest256_of(parts, 2);
	if (memcmp(d.b, r->launch_token_hash, sizeof(d.b)) != 0)
		return err_set(e, ERR_INPUT,
			       "launch token of .user-config is not the one required");
	return 0;
}

static int check_token(const struct app_requirements *r, const struct policy_guest *g,
		       struct err *e)
{
	json_t *j = NULL;
	int rc;

	if (!r->has_launch_token_hash)
		return 0;
	rc = json_parse(g->user_config, g->n_user_config, SHARE_USER_CONFIG_MAX, SHARE_USER_CONFIG,
			&j, e);
	if (rc == 0)
		rc = check_token_text(
			r, json_get_str(json_object_get(j, "dstack"), "launch_token", ""), e);
	json_decref(j);
	return rc;
}

/* Whose keys?  An app that does not say would take those of whoever the host leads it to. */
static int check_key_provider(const struct app_compose *c, struct err *e)
{
	const char *name = app_key_provider_name(c->key_provider);

	switch (c->key_provider) {
	case APP_KEY_PROVIDER_NONE:
		if (c->n_key_provider_id == 0)
			return 0;
		return err_set(e, ERR_INPUT,
			       "Unexpected key provider id: key provider none has none, expected: "
			       "one of %zu bytes",
			       c->n_key_provider_id);
	case APP_KEY_PROVIDER_KMS:
	case APP_KEY_PROVIDER_LOCAL:
		if (c->n_key_provider_id > 0 || c->key_provider_unpinned)
			return 0;
		return err_set(e, ERR_INPUT,
			       "key provider %s: app-compose.json does not say which one; write "
			       "its key_provider_id, or key_provider_unpinned true if any will do",
			       name);
	case APP_KEY_PROVIDER_TPM:
	case APP_KEY_PROVIDER_COUNT:
		break;
	}
	return err_set(e, ERR_INPUT, "key provider %s" NOT_YET "; none, local and kms are", name);
}

/* What is asked for and not there.  Each would change what runs, so each stops the boot. */
static int check_supported(const struct app_compose *c, const struct policy_guest *g, struct err *e)
{
	const struct app_gpu_policy *gpu = &c->requirements.gpu_policy;
	char shown[SHOWN_SIZE];

	if (!str_equal(c->runner, "bash") && !str_equal(c->runner, "none"))
		return err_set(e, ERR_INPUT, "runner %s" NOT_YET "; bash and none are",
			       str_escape(shown, sizeof(shown), c->runner, strlen(c->runner)));
	if (str_equal(c->runner, "bash") && !c->bash_script)
		return err_set(e, ERR_INPUT, "runner bash needs bash_script");
	if (c->n_volumes > 0)
		return err_set(e, ERR_INPUT, "verity_volumes" NOT_YET);
	if (gpu->rego)
		return err_set(e, ERR_INPUT, "requirements.gpu_policy.rego" NOT_YET);
	if (g->n_gpus > 0 && gpu->attest_gpu) {
		return err_set(e, ERR_INPUT,
			       "%u GPUs are here, and attesting them" NOT_YET
			       "; requirements.gpu_policy.attest_gpu false runs without",
			       g->n_gpus);
	}
	return 0;
}

int policy_check(const struct app_compose *c, const struct policy_guest *g, struct err *e)
{
	int r = app_compose_check(c, e);

	if (r == 0)
		r = check_os_version(&c->requirements, g, e);
	if (r == 0)
		r = check_platform(&c->requirements, g, e);
	if (r == 0)
		r = check_token(&c->requirements, g, e);
	if (r == 0)
		r = check_supported(c, g, e);
	if (r == 0)
		r = check_key_provider(c, e);
	return r ? err_wrap(e, ERR_INPUT, "Failed to verify app-compose policy") : 0;
}
