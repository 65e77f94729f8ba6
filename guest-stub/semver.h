/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semver: does a version meet a requirement, by Cargo's rules
 *
 * Wire     Semantic Versioning 2.0.0; requirements are comparators with commas between them: = > >= < <= ~ ^
 *	    (^ if none is written), with fewer parts than three or a '*' for the rest.  A pre-release meets a
 *	    requirement only if a comparator names a pre-release of the same three numbers.
 */
#pragma once

#include <stdbool.h>

struct err;

enum { SEMVER_TEXT_MAX = 256, SEMVER_COMPARATORS_MAX = 32 };

/* Return: 0 and whether it does; ERR_INPUT for text that is no version or no requirement. */
int semver_meets(const char *version, const char *requirement, bool *ret, struct err *e);
