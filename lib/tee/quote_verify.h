/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote_verify: is a quote what it says, by Intel's rules and by a policy
 *
 * Borrows  everything it is given, for the call.
 * Trusts   the root that the caller gives, and nothing else.
 * Invariant every check is a row of one table; the first that fails is named, and ends it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tee/tcb.h"

struct collateral;
struct x509_cert;

enum quote_policy {
	QUOTE_POLICY_INTEL,  /* Intel's rules; all statuses but Revoked */
	QUOTE_POLICY_STRICT, /* only UpToDate, no migratable TD, nothing behind the quote */
};

enum { QUOTE_ADVISORIES_MAX = 64, QUOTE_ADVISORY_SIZE = 32, QUOTE_WHY_SIZE = 160 };

struct quote_verify_args {
	const void *quote;
	size_t n_quote;
	const struct collateral *collateral;
	const struct x509_cert *root;
	int64_t at; /* seconds since 1970 */
	enum quote_policy policy;
};

struct quote_result {
	const char *check;	/* the one that failed; NULL: accepted.  Static */
	enum tcb_status status; /* TCB_NONE if it was not reached */
	char advisories[QUOTE_ADVISORIES_MAX][QUOTE_ADVISORY_SIZE];
	size_t n_advisories;
	char expected[QUOTE_WHY_SIZE], got[QUOTE_WHY_SIZE]; /* of the check that failed */
};

/* Return: is it accepted?  *@ret is written in every case. */
bool quote_verify(const struct quote_verify_args *args, struct quote_result *ret);
