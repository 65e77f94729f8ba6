/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote_level: how recent what a quote ran on is: the TDX module and the TCB levels of Intel's documents
 *
 * Each function is one check of a quote, called in the order in which they stand here and only after all
 * of quote_trust.h held: the documents are Intel's.  It returns whether it holds; if not,
 * quote_ctx_refuse() was told why.
 */
#pragma once

#include <stdbool.h>

struct quote_ctx;

/* Of an SGX quote they hold. */
bool quote_level_module(struct quote_ctx *c);
bool quote_level_seam_signer(struct quote_ctx *c);
bool quote_level_seam_attributes(struct quote_ctx *c);

/* Finds the status, with its date and advisories; the second judges it by the policy. */
bool quote_level_platform(struct quote_ctx *c);
bool quote_level_status(struct quote_ctx *c);
