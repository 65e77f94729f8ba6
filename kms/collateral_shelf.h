/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collateral_shelf: what is published of the platforms that ask, by root, for as long as it is good
 *
 * Owns     the collateral of COLLATERAL_SHELF_MAX platforms; the one not asked for the longest makes room.
 * Trusts   nothing: the verifier looks at what is given, each time.
 * Limits   a service that did not answer is asked again after COLLATERAL_SHELF_PAUSE_MS.
 * Thread   one at a time; it blocks while a service is asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collateral;
struct collateral_shelf;
struct kms_config;
struct pccs_platform;

enum { COLLATERAL_SHELF_MAX = 8, COLLATERAL_SHELF_PAUSE_MS = 10 * 1000 };

/* Borrows @c. */
struct collateral_shelf *collateral_shelf_new(const struct kms_config *c);
void collateral_shelf_free(struct collateral_shelf *s);

/*
 * That of the platform @p, under root number @root (0: Intel's; then simulated ones in their order).
 * Return: borrowed until the next call; NULL, and *@ret_fault (also borrowed) says why there is none.
 */
const struct collateral *collateral_shelf_get(struct collateral_shelf *s, size_t root,
					      const struct pccs_platform *p, int64_t at,
					      const char **ret_fault);

/* What was given last may be why a quote is refused: forget it, if it is not new.  Return: is it worth asking again? */
bool collateral_shelf_renew(struct collateral_shelf *s, const char *failed_check);
