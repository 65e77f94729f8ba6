/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collaterals: what quotes are checked against: the file of --collateral, or fetched for each platform once
 *
 * Owns     what it read, for as long as it lives.
 * Trusts   nothing: forms only, the verifier looks at the rest.
 * Limits   COLLATERALS_MAX platforms; the oldest makes room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pccs/pccs.h"

struct cli;
struct collateral;
struct err;
struct quote;

enum { COLLATERALS_MAX = 64, COLLATERALS_URL_MAX = 512 };

struct collaterals;

/* Where a quote's came from, for who wants to know. */
struct collaterals_source {
	const char *from; /* the file or the URL, as the operator wrote it */
	bool is_file;
	struct pccs_origin origin; /* not of a file */
};

/* By --collateral, or --pccs, --refresh, --allow-http and --timeout, and the environment.  ERR_INPUT. */
int collaterals_new(const struct cli *c, int64_t at, struct collaterals **ret, struct err *e);
void collaterals_free(struct collaterals *s);

/*
 * That of the platform which @q names.  *@ret is borrowed until the next call.
 * Return: 0; ERR_INPUT: there is none for such a quote, or what was given is none (@q is refused then, with
 * these words); others: it cannot be had.
 */
int collaterals_of(struct collaterals *s, const struct quote *q, const struct collateral **ret,
		   struct err *e);

/* If some of what collaterals_of() gave for @q was cached, fetch it anew.  Return: is it another now? */
bool collaterals_renew(struct collaterals *s, const struct quote *q);

/* Of the last collaterals_of(). */
const struct collaterals_source *collaterals_source(const struct collaterals *s);

/* The arguments of a fetch, as the command line and the environment say.  Borrows from both and @cache. */
int collaterals_args(const struct cli *c, int64_t at, char cache[static COLLATERALS_URL_MAX],
		     struct pccs_args *ret, struct err *e);
