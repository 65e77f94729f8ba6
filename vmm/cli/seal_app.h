/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal_app: what bailey up seals: an app's env_file, for the VM that it is to become
 *
 * Whose key it is sealed to the operator says, by the app's compose, by app_id in its YAML, or by what they noted when
 * they made the VM.  A daemon's word for it is not taken: it could name an app of its own.
 */
#pragma once

#include <jansson.h>

struct app;
struct cli;
struct env_file;
struct err;

/*
 * Seal @f (NULL: nothing to do) for @a, which is to become the VM @vm (NULL: a new one), into @a->sealed.  What the VM
 * has stays if it is known to hold the same.  Return: 0; ERR_INPUT, of seal_env().
 */
int seal_app(const struct cli *c, struct app *a, const struct env_file *f, const json_t *vm,
	     struct err *e);

/* The daemon has taken it: note it for the VM @id.  What cannot be noted is said, and no failure. */
void seal_app_note(const struct cli *c, const struct app *a, const struct env_file *f,
		   const char *id);
