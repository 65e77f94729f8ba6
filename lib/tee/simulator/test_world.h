/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_world: a simulated world in the hands of a verifier, for tests
 *
 * Owns     all of it: simulator, quote, collateral, root, result.
 */
#pragma once

#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/x509.h"
#include "simulator/simulator.h"
#include "tee/collateral.h"
#include "tee/quote_verify.h"

enum { WORLD_NOW = 1785542400 };

static const uint8_t world_seed[SIMULATOR_SEED_SIZE] = { 0x31 };

struct world {
	struct simulator *sim;
	struct x509_cert *root;
	struct buf quote, text; /* the collateral's */
	struct collateral collateral;
	bool has_collateral;
	struct quote_verify_args args;
	struct quote_result res;
};

static inline void world_read_collateral(struct world *w)
{
	if (w->has_collateral)
		collateral_deinit(&w->collateral);
	w->has_collateral = collateral_parse(w->text.p, w->text.n, &w->collateral, NULL) == 0;
	w->args.collateral = w->has_collateral ? &w->collateral : NULL;
}

/* Of @bend and @td; NULL: as they should be.  Strict policy. */
static inline void world_init(struct world *w, const struct simulator_bend *bend,
			      const struct simulator_td *td)
{
	struct simulator_td good;
	size_t n = 0;
	const uint8_t *der;

	simulator_td_init(&good);
	*w = (struct world){ .quote = BUF_MAX(SIMULATOR_QUOTE_MAX),
			     .text = BUF_MAX(SIMULATOR_COLLATERAL_MAX) };
	w->sim = bend ? simulator_new_bent(world_seed, bend) : simulator_new(world_seed);
	der = simulator_root(w->sim, &n);
	assert(x509_cert_read(der, n, &w->root, NULL) == 0);
	assert(simulator_quote(w->sim, td ? td : &good, &w->quote) == 0);
	assert(simulator_collateral(w->sim, WORLD_NOW, &w->text) == 0);
	w->args = (struct quote_verify_args){ .quote = w->quote.p,
					      .n_quote = w->quote.n,
					      .root = w->root,
					      .at = WORLD_NOW,
					      .policy = QUOTE_POLICY_STRICT };
	world_read_collateral(w);
}

static inline void world_deinit(struct world *w)
{
	if (w->has_collateral)
		collateral_deinit(&w->collateral);
	buf_deinit(&w->quote);
	buf_deinit(&w->text);
	x509_cert_free(w->root);
	simulator_free(w->sim);
}

static inline bool world_verify(struct world *w)
{
	return quote_verify(&w->args, &w->res);
}
