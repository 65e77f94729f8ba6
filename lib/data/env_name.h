/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_name: what an encrypted environment may hold, for who seals one and for who opens it
 *
 * Wire     the limits are those of dstack's guests.  Anyone may seal an environment for an app, its host too,
 *          so a name that changes which program runs, or what a program is, is refused here although the
 *          app's compose allows it: that list is ours.
 */
#pragma once

#include <stddef.h>

enum {
	ENV_NAME_MAX = 255,
	ENV_VALUE_MAX = 128 * 1024,
	ENV_VARS_MAX = 1024,
	ENV_TOTAL_MAX = 1024 * 1024, /* names and values together */
};

enum env_name {
	ENV_NAME_OK,
	ENV_NAME_EMPTY,
	ENV_NAME_FORM,	    /* not [A-Za-z_][A-Za-z0-9_]* */
	ENV_NAME_LONG,	    /* over ENV_NAME_MAX */
	ENV_NAME_FORBIDDEN, /* LD_PRELOAD, BASH_ENV, PATH, DOCKER_HOST and their like */
	ENV_NAME_COUNT,
};

/* Pure.  @name may hold any bytes. */
enum env_name env_name_check(const char *name, size_t n);

/* What is wrong and what would be right, to stand behind the name: "is ...; write ...".  Static. */
const char *env_name_text(enum env_name v);
