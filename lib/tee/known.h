/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known: what was found to be true once and stays so, under the digest of what it was found of
 *
 * Owns     what is put in, with how to free it.
 * Limits   a number given at the beginning; the one that was not asked for the longest makes room.
 * Thread   of its owner.
 */
#pragma once

#include <stddef.h>

#include "crypto/digest.h"

enum { KNOWN_LEAST = 4, KNOWN_MOST = 1024 };

typedef void (*known_free_fn)(void *value);

struct known;

/* For @max things, from KNOWN_LEAST to KNOWN_MOST. */
struct known *known_new(size_t max);
void known_free(struct known *k);

/* What is under @key; NULL: nothing.  Good for KNOWN_LEAST - 1 calls of known_put(). */
void *known_get(struct known *k, const struct digest256 *key);

/* Take over @value, which is freed by @fn.  There is nothing under @key yet. */
void known_put(struct known *k, const struct digest256 *key, void *value, known_free_fn fn);
