/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/app_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/env_box.h"
#include "data/app_compose.h"
#include "data/app_keys_file.h"
#include "data/env_plain.h"
#include "guest-stub/share.h"

int app_env_open(int share, const struct app_keys_file *keys, const struct app_compose *app,
		 struct env_plain **ret, struct err *e)
{
	auto_secret_buf struct buf plain = { 0 };
	auto_buf struct buf sealed = { 0 };
	int r = file_read(share, SHARE_ENCRYPTED_ENV, SHARE_ENCRYPTED_ENV_MAX, &sealed, e);

	*ret = NULL;
	if (r == -ENOENT || (r == 0 && sealed.n == 0))
		return 0;
	if (r < 0)
		return r;
	if (!keys->has_env) {
		return err_set(e, ERR_INPUT,
			       SHARE_ENCRYPTED_ENV " is there, and key provider %s has no key for "
						   "it: seal it to a KMS, or leave it out",
			       app_key_provider_name(app->key_provider));
	}
	r = env_box_open(&keys->env, sealed.p, sealed.n, &plain, e);
	if (r == 0)
		r = env_plain_parse(plain.p, plain.n, app->allowed_envs.p, app->allowed_envs.n, ret,
				    e);
	return r < 0 ? err_wrap(e, r, SHARE_ENCRYPTED_ENV) : 0;
}

int app_env_write(int share, const struct env_plain *v, struct err *e)
{
	auto_secret_str char *json = v ? env_plain_json(v) : xstrdup("{}");
	auto_secret_buf struct buf shell = { 0 };
	int r = secret_buf_init(&shell, ENV_PLAIN_SHELL_MAX);

	if (r == 0 && v)
		r = env_plain_shell(v, &shell);
	if (r < 0)
		return err_set(e, r, "write " APP_ENV_FILE ": %s", err_name(r));
	r = file_replace(share, APP_ENV_FILE, 0600, shell.p, shell.n, e);
	return r ? r : file_replace(share, APP_ENV_FILE_JSON, 0600, json, strlen(json), e);
}

char **app_env_vars(const char *const *base, const struct env_plain *v)
{
	size_t n_base = 0, n = v ? v->n : 0, i;
	char **vars;

	while (base[n_base])
		n_base++;
	vars = xcalloc(n_base + n + 1, sizeof(*vars));
	for (i = 0; i < n_base; i++)
		vars[i] = xstrdup(base[i]);
	for (i = 0; i < n; i++)
		vars[n_base + i] = xasprintf("%s=%s", v->items[i].key, v->items[i].value);
	return vars;
}

void app_env_vars_free(char **vars)
{
	size_t i;

	for (i = 0; vars && vars[i]; i++)
		secret_str_free(vars[i]);
	free(vars);
}
