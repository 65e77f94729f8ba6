/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_env: the environment that the owner sealed for the app: opened, written down, handed to the app's script
 *
 * Trusts   nothing of .encrypted-env: whoever has the app's public key may have sealed it, its host too
 *	    (data/env_plain.h has what is refused).
 * Limits   SHARE_ENCRYPTED_ENV_MAX bytes sealed.
 * Wire     dstack: .encrypted-env; .decrypted-env (lines for a shell and for systemd) and .decrypted-env.json, both
 *	    there without an environment, too.
 */
#pragma once

struct app_compose;
struct app_keys_file;
struct env_plain;
struct err;

#define APP_ENV_FILE	  ".decrypted-env"
#define APP_ENV_FILE_JSON ".decrypted-env.json"

/**
 * app_env_open() - open .encrypted-env of the directory @share
 *
 * Return: 0 and *@ret, for env_plain_free(), NULL if the host gave none; ERR_INPUT if it cannot be opened with these
 * keys, or holds what no environment may.
 */
int app_env_open(int share, const struct app_keys_file *keys, const struct app_compose *app,
		 struct env_plain **ret, struct err *e);

/* Write both files, 0600.  @v may be NULL. */
int app_env_write(int share, const struct env_plain *v, struct err *e);

/* @base (NULL-terminated "K=V") and what is in @v (may be NULL).  For app_env_vars_free().  Never NULL. */
char **app_env_vars(const char *const *base, const struct env_plain *v);

/* Wipes, too. */
void app_env_vars_free(char **vars);
