/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote_verify: is a quote what it says, by Intel's rules and by a policy
 *
 * Borrows  everything it is given, for the call; a result's quote points into the bytes given.
 * Trusts   the root that the caller gives, and nothing else.
 * Invariant every check is a row of one table; the first that fails is named, and ends it.
 *          What is known of certificates and collateral saves work and never a check of dates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/pck.h"
#include "tee/tcb.h"
#include "wire/quote.h"

struct collateral;
struct known;
struct x509_cert;

enum quote_policy {
	QUOTE_POLICY_INTEL,  /* Intel's rules; all statuses but Revoked */
	QUOTE_POLICY_STRICT, /* only statuses named, no migratable TD, nothing behind the quote */
};

enum { QUOTE_ADVISORIES_MAX = 64, QUOTE_ADVISORY_SIZE = 32, QUOTE_WHY_SIZE = 160 };

struct quote_verify_args {
	const void *quote;
	size_t n_quote;
	const struct collateral *collateral; /* NULL: it has no form, as @collateral_fault says */
	const struct x509_cert *root;
	int64_t at; /* seconds since 1970 */
	enum quote_policy policy;
	uint32_t accept; /* with STRICT: 1 << enum tcb_status of each; 0: UpToDate only */
	const char *collateral_fault;
	struct known *known; /* what earlier calls found; NULL: nothing is kept */
};

struct quote_result {
	const char *check;	/* the one that failed; NULL: accepted.  Static */
	size_t n_held;		/* checks before that one, in the order of quote_checks[] */
	enum tcb_status status; /* TCB_NONE if it was not reached */
	char advisories[QUOTE_ADVISORIES_MAX][QUOTE_ADVISORY_SIZE];
	size_t n_advisories;
	char expected[QUOTE_WHY_SIZE], got[QUOTE_WHY_SIZE]; /* of the check that failed */
	int64_t tcb_date;	 /* of the oldest level that counted; 0: not reached */
	int64_t collateral_ends; /* when its first part expires; 0: not reached */
	uint32_t tcb_evaluation; /* the lower number of the two documents; 0: not reached */
	bool has_quote, has_pck;
	struct quote quote; /* not to be believed unless the quote is accepted; so is @pck */
	struct pck pck;
};

struct quote_check {
	const char *name, *claim; /* for programs; for people */
};

enum { QUOTE_CHECKS_MAX = 40 };

/* All checks in their order; a NULL name ends them. */
extern const struct quote_check quote_checks[QUOTE_CHECKS_MAX];

/* Return: is it accepted?  *@ret is written in every case. */
bool quote_verify(const struct quote_verify_args *args, struct quote_result *ret);
