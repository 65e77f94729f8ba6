/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_verdict: what was found of an app, told to programs and to people
 *
 * Borrows  all of it.
 * Invariant under a root that is not Intel's both say "simulated".  A guest's words are escaped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "tee/app_verify.h"

struct cli;
struct verdict;

struct app_verdict {
	const char *operand; /* the file or the address */
	const struct app_verify_args *args;
	const struct app_result *result;
	const struct verdict *quote; /* NULL: the quote could not be verified */
	bool is_simulated;
	const char *image; /* its name; NULL: none was given */
	const char *lacks; /* --allow-unchecked; NULL */
};

/* Nothing fails, and what is unchecked was allowed to be. */
bool app_verdict_is_good(const struct app_verdict *v);

/* The caller's. */
json_t *app_verdict_json(const struct app_verdict *v);

/* A table of the checks and what the app says (neither with --quiet), then one sentence. */
void app_verdict_print(const struct cli *c, const struct app_verdict *v);

/* Is @name in the list @lacks, "a,b,c"? */
bool app_verdict_lacks(const char *lacks, const char *name);
