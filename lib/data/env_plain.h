/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_plain: the environment that an owner sealed for an app, once it is open
 *
 * Anybody may seal something for an app, so what comes out is as hostile as anything else.  Nothing of it is in a
 * message: items are told by their number, from 1.
 *
 * Owns     the struct owns the JSON value that its texts are borrowed from; who wants it wiped when it is freed
 *	    calls json_wipe_on_free() before.
 * Wire     dstack: {"env":[{"key":"K","value":"V"},...]}.  Stricter than dstack: a name that is there twice, NUL, a
 *	    name that env_name.h forbids, and a variable too long for any program's environment are refused.
 * Limits   the enum below and ENV_VARS_MAX of env_name.h, items that are left out among them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct buf;
struct err;

enum {
	ENV_PLAIN_MAX = 256 * 1024,	 /* bytes of JSON: as many as .encrypted-env may have */
	ENV_PLAIN_PAIR_MAX = 131072 - 1, /* of "KEY=value": what Linux passes to a program */
	ENV_PLAIN_SHELL_MAX = 3 * ENV_PLAIN_MAX, /* env_plain_shell() */
};

struct env_plain_item {
	const char *key, *value; /* borrowed from doc */
};

struct env_plain {
	json_t *doc;
	struct env_plain_item *items; /* sorted by key, each key once */
	size_t n;
	size_t n_skipped; /* items that the app does not allow */
};

/**
 * env_plain_parse() - what is allowed of the environment
 * @allowed: names, @n_allowed of them; others are left out, and counted
 *
 * Return: 0 and a struct for env_plain_free(); ERR_INPUT; ERR_LIMIT.
 */
int env_plain_parse(const void *p, size_t n, const char *const *allowed, size_t n_allowed,
		    struct env_plain **ret, struct err *e);
void env_plain_free(struct env_plain *v);

/*
 * Append lines KEY=value that a POSIX shell and systemd's EnvironmentFile= both read back to the same bytes: a
 * value of other than plain characters is in double quotes, with a backslash before " \ $ and `.
 *
 * Return: as buf_add(); a buffer of ENV_PLAIN_SHELL_MAX suffices.
 */
int env_plain_shell(const struct env_plain *v, struct buf *ret);

/* An object of key to value, compact and sorted.  The caller frees, and wipes.  Never NULL. */
char *env_plain_json(const struct env_plain *v);
