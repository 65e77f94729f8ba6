/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_world: what a simulated world is made of, for the files that make quotes and collateral of it
 */
#pragma once

#include "crypto/pck.h"
#include "simulator/sim_pki.h"
#include "simulator/simulator.h"

#define SIM_WORLD_MARK "bailey simulator"

struct simulator {
	struct pck pck;
	struct sim_pki pki;
	EVP_PKEY *attestation;
	struct simulator_bend bend;
	uint8_t *root;
	size_t n_root;
};

/* Module SVN, major version, SEAM loader.  Major 0, of no named module, is what dstack's collateral takes. */
extern const uint8_t sim_world_tcb_svn[SIMULATOR_SVN_SIZE];
