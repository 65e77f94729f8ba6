/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overrides: what an operator said of registered instances, which is stronger than what they say of themselves
 *
 * Pure: no clock, no file; registry_file.h writes it down.  What is said lasts while the instance comes and goes, also if
 * it gets another address, until it is taken back or the instance is forgotten.  That no new clients come lasts only
 * while the instance has the key that it had: who starts anew makes a new one, and is not what was taken out.
 *
 * Owns     all of its memory.
 * Limits   OVERRIDES_MAX.  A look-up is a binary search.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/routes.h"

struct err;

enum { OVERRIDES_MAX = 65536, OVERRIDE_ID = 40, OVERRIDE_KEY = 32 };

struct override {
	char id[OVERRIDE_ID + 1]; /* of the instance */
	bool is_drained;	  /* no new clients of its app, as long as it has @key */
	uint8_t key[OVERRIDE_KEY];
	struct route_policy policy; /* not known: what it says itself */
};

struct overrides {
	struct override **list; /* by id */
	size_t n, cap;
};

void overrides_deinit(struct overrides *o);

/* NULL: nothing was said.  Valid until the next change. */
const struct override *overrides_find(const struct overrides *o, const char *id);

/* Instead of what was said before; one that says nothing takes it out.  Copied.  Return: 0, ERR_LIMIT, -ENOMEM. */
int overrides_put(struct overrides *o, const struct override *what, struct err *e);

/* Whatever was said. */
void overrides_remove(struct overrides *o, const char *id);

/* Is the instance, which it is of, one without new clients? */
bool override_drains(const struct override *o, const uint8_t key[static OVERRIDE_KEY]);
