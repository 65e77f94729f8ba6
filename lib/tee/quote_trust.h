/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote_trust: who vouches for a quote: the PCK chain, the revocation lists, the two signed documents
 *
 * Each function is one check of a quote, called in the order in which they stand here and only after
 * all before it held.  It returns whether it holds; if not, quote_ctx_refuse() was told why.
 *
 * Owns     platform and documents of the struct quote_ctx, unless they are known (args->known).
 * Trusts   args->root, and nothing else.  A check of dates is done each time; the others are not done
 *	    again for what is known, as they are the same at all times.
 */
#pragma once

#include <stdbool.h>

struct quote_ctx;

/* The certificate of the platform, from the quote. */
bool quote_trust_pck_chain(struct quote_ctx *c);
bool quote_trust_pck_names(struct quote_ctx *c);
bool quote_trust_pck_extension(struct quote_ctx *c);

/* The revocation lists, and who is in them. */
bool quote_trust_root_crl(struct quote_ctx *c);
bool quote_trust_pck_ca_revoked(struct quote_ctx *c);
bool quote_trust_pck_crl(struct quote_ctx *c);
bool quote_trust_pck_revoked(struct quote_ctx *c);

/* TCB info and QE identity: who signed them, that they did, when, and for what they are. */
bool quote_trust_tcb_signer(struct quote_ctx *c);
bool quote_trust_tcb_signature(struct quote_ctx *c);
bool quote_trust_qe_signer(struct quote_ctx *c);
bool quote_trust_qe_identity_signature(struct quote_ctx *c);
bool quote_trust_tcb_date(struct quote_ctx *c);
bool quote_trust_qe_date(struct quote_ctx *c);
bool quote_trust_tcb_id(struct quote_ctx *c);
bool quote_trust_qe_id(struct quote_ctx *c);
bool quote_trust_fmspc(struct quote_ctx *c);
bool quote_trust_pce_id(struct quote_ctx *c);

/* What the documents say of themselves, into the result; nothing if the checks did not come so far. */
void quote_trust_tell(struct quote_ctx *c);

/* Free what is of this call only. */
void quote_trust_drop(struct quote_ctx *c);
