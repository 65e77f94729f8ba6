/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: what the verifier found of a quote, told to programs and to people
 *
 * Borrows  the result and its quote's bytes.
 * Invariant under a root that is not Intel's both say "simulated".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "tee/quote_verify.h"

struct cli;
struct collaterals_source;
struct x509_cert;

struct verdict {
	const struct quote_result *result;
	const struct x509_cert *root;
	enum quote_policy policy;
	int64_t at;
	bool is_simulated;
	const struct collaterals_source *source; /* of the collateral; NULL: not told */
};

/* The caller's. */
json_t *verdict_json(const struct verdict *v);

/* A table of the checks and what the quote says (neither with --quiet), then one sentence. */
void verdict_print(const struct cli *c, const struct verdict *v);

/* All of it in one line, about the quote in @file. */
void verdict_print_line(const struct verdict *v, const char *file);
