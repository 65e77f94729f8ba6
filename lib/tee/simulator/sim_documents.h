/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_documents: what Intel would publish of a simulated platform, TCB info v3 and QE identity v2
 *
 * Owns     nothing; the JSON is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct pck;

enum {
	SIM_QE_SIGNER =
		0x44, /* each byte of MRSIGNER; this and the two below are of dstack's mock */
	SIM_QE_PROD_ID = 1,
	SIM_QE_SVN = 1,
};

/* Dates in seconds since 1970.  @tdx: the module's 16 SVNs; NULL: of SGX. */
json_t *sim_documents_tcb(const struct pck *k, const uint8_t *tdx, int64_t from, int64_t until);
json_t *sim_documents_qe(bool is_tdx, int64_t from, int64_t until);
