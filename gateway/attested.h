/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attested: the keys of domains that this gateway has had, each with what proves that it was made in here
 *
 * One file for each key, so that one that is damaged costs no other; the newest come first in what is served.
 *
 * Owns     the folder STATE/attested: SHA-256 of a key, in hex, and .json.
 * Limits   ATTESTED_MAX keys are kept, the oldest go; ATTESTED_FILE_MAX bytes each, ATTESTED_INFO_MAX of what is served:
 *	    what does not fit is left out, the oldest first.
 * Thread   any, one at a time.
 * Wire     dstack's acme-info: {"account_uri", "hist_keys", "quoted_hist_keys": [{"public_key" (SubjectPublicKeyInfo,
 *	    hex), "quote" (the text of the agent's answer to GetQuote), "attestation" (of that to Attest)}],
 *	    "account_quote", "account_attestation"}; report data are SHA-512("zt-cert:" || SubjectPublicKeyInfo).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum {
	ATTESTED_MAX = 32,
	ATTESTED_SPKI_MAX = 1024,
	ATTESTED_TEXT_MAX = 1024 * 1024, /* of quote and attestation */
	ATTESTED_FILE_MAX = 3 * 1024 * 1024,
	ATTESTED_INFO_MAX = 3 * 1024 * 1024,
	ATTESTED_REPORT_DATA = 64,
};

/* All borrowed. */
struct attested {
	const char *domain;
	const uint8_t *spki; /* SubjectPublicKeyInfo, DER */
	size_t n_spki;
	uint64_t made_ms;		 /* since 1970 */
	const char *quote, *attestation; /* JSON texts; "": the agent gave none */
};

/* What a quote for this key must say. */
void attested_report_data(const void *spki, size_t n, uint8_t ret[static ATTESTED_REPORT_DATA]);

/* Write it down, in place of an older one of the same key; forget the oldest over the limit.  Return: 0 or negative. */
int attested_put(const char *state, const struct attested *a, struct err *e);

/* What acme-info serves of all that is there, JSON, for buf_deinit().  What does not read is left out. */
int attested_info(const char *state, struct buf *ret, struct err *e);
