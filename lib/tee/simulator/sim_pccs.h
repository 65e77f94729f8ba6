/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_pccs: what a PCCS answers for the platform of a simulated world
 *
 * Pure but for the signatures it makes: a path and a query in, a status, a body and one header out.
 *
 * Trusts   nothing of path and query.
 * Wire     the four requests of lib/pccs/pccs_url.h, of TDX and of SGX; lists are hex, as a PCCS gives them, and
 *	    chains stand URL-encoded in a header.  Whatever else is asked for is 404.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct simulator;

struct sim_pccs {
	int status;		  /* 200, 400 or 404 */
	const char *type;	  /* of the body.  Static */
	const char *chain_header; /* NULL: none.  Static */
	struct buf body, chain;
};

/* @at: seconds since 1970, see simulator_collateral().  @ret is to be deinitialised in every case. */
void sim_pccs_answer(const struct simulator *s, int64_t at, const char *path, const char *query,
		     struct sim_pccs *ret);
void sim_pccs_deinit(struct sim_pccs *a);
