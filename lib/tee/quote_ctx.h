/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote_ctx: what the checks of one quote share, from the first to the last
 *
 * Of lib/tee alone: who verifies a quote needs quote_verify.h only.
 *
 * Borrows  the arguments and the result, which are the caller's of quote_verify().
 * Invariant what a check needs was set by one before it: q by quote-form, platform by pck-chain,
 *	    documents by root-crl, its JSON by tcb-info-signature and qe-identity-signature, module by
 *	    tdx-module.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "crypto/digest.h"
#include "crypto/pck.h"
#include "crypto/x509.h"
#include "tee/quote_verify.h"
#include "tee/tcb.h"
#include "wire/quote.h"

struct quote_platform {
	struct x509_chain chain;
	struct pck pck;
	struct ecdsa_key *key; /* of the leaf */
};

/* "issueDate" and "nextUpdate"; of a document without them INT64_MAX and INT64_MIN. */
struct quote_dates {
	int64_t from, until;
};

struct quote_documents {
	json_t *tcb, *qe;
	struct quote_dates tcb_dates, qe_dates;
	struct tcb_levels levels;
};

struct quote_ctx {
	const struct quote_verify_args *args;
	struct quote_result *res;
	struct quote q;
	struct digest256 platform_key, documents_key;
	struct quote_platform *platform;
	struct quote_documents *documents;
	bool is_platform_known, is_documents_known; /* then they belong to args->known */
	const json_t *module;			    /* borrowed from documents->tcb */
	int64_t date;				    /* of the oldest level so far */
};

/* Why the check that is being done does not hold.  Return: false, for the check to return. */
__attribute__((format(printf, 3, 4))) bool
quote_ctx_refuse(struct quote_ctx *c, const char *expected, const char *fmt, ...);

/* Member @key is hex of @n bytes: are they @p where @mask_key (NULL: everywhere) has ones? */
bool quote_ctx_match(struct quote_ctx *c, const json_t *j, const char *key, const char *mask_key,
		     const uint8_t *p, size_t n);

static inline bool quote_ctx_is_tdx(const struct quote_ctx *c)
{
	return c->q.tee == QUOTE_TEE_TDX;
}
