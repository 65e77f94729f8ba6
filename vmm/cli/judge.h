/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: quotes verified as the command line says: its time, policy, root, and the collateral of each
 *
 * Owns     the root, what is known of earlier quotes, and collaterals.
 * Limits   JUDGE_KNOWN chains and collaterals are known at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tee/quote_verify.h"

struct cli;
struct collaterals;
struct err;
struct x509_cert;

enum { JUDGE_KNOWN = 256, JUDGE_QUOTE_MOST = 1024 * 1024 };

struct judge {
	int64_t at;
	enum quote_policy policy;
	uint32_t accept;
	struct x509_cert *root;
	bool is_simulated; /* the root is not Intel's: every answer says so */
	struct known *known;
	struct collaterals *collaterals;
	char fault[512];
};

/* By --at, --policy, --accept, --root and the options of collaterals.h.  Return: 0, ERR_INPUT. */
int judge_new(const struct cli *c, struct judge **ret, struct err *e);
void judge_free(struct judge *j);

/*
 * Verify a quote.  *@ret points into @quote.
 * Return: 0 and *@ret says whether it is accepted (check is NULL); negative: nothing can be said, as
 * there is no collateral to be had.
 */
int judge_quote(struct judge *j, const void *quote, size_t n, struct quote_result *ret,
		struct err *e);

/* --at, or now.  ERR_INPUT. */
int judge_time(const struct cli *c, int64_t *ret, struct err *e);
