/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: is a quote that of a TD which may have its key
 *
 * Owns     what it knows of certificates and collateral, JUDGE_MOST of each verification at once.
 * Trusts   the root in its options.  Collateral is asked for only of platforms that this root vouches for, so a forger
 *	    cannot make us ask for anything.
 * Limits   JUDGE_MOST verifications at once (the caller has no more threads), one deadline for their collateral.  It
 *	    is asked for anew, though the cache has some, at most once in JUDGE_RENEW_MS.
 * Thread   any, judge_quote() blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pccs/pccs.h"
#include "tee/tcb.h"
#include "wire/quote.h"

struct err;
struct judge;
struct x509_cert;

enum { JUDGE_MOST = 4, JUDGE_RENEW_MS = 60 * 1000 };

struct judge_options {
	const struct x509_cert *root; /* borrowed as long as it lives */
	uint32_t accept;	      /* 1 << enum tcb_status of each */
	struct pccs_args pccs;	      /* but @at; texts are borrowed as long as it lives */
	pccs_get_fn get;	      /* how to ask it; NULL: by libcurl */
	void *arg;
};

struct judged {
	enum tcb_status status;
	struct quote quote; /* points into the bytes given */
};

/* Never NULL. */
struct judge *judge_new(const struct judge_options *o);
void judge_free(struct judge *j);

/*
 * Is it the quote of a TD, whole, under the root, of a platform whose status is accepted, without debugging and
 * service TDs?  @at: seconds since 1970.
 *
 * Return: 0 and *@ret; ERR_PROTO with the check that failed; what pccs_fetch() returned.
 */
int judge_quote(struct judge *j, const void *p, size_t n, int64_t at, struct judged *ret,
		struct err *e);
