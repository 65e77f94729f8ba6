/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_verify: is a running app what it says: machine, image, system, compose, each a row of one table
 *
 * Pure.  Borrows everything it is given, for the call.
 * Trusts   who verified the quote (quote_verify.h) and who measured the image; of the evidence nothing.
 * Invariant all checks are made, whatever failed before, so that all is told that is wrong; the first of the
 *	    table that failed names the refusal.  What cannot be checked for want of something is not held: the
 *	    caller decides whether that may be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

struct account;
struct app_evidence;
struct measurement;
struct quote_result;

enum { APP_WHY_SIZE = 240, APP_NAME_SIZE = 48, APP_ROWS_MAX = 64, APP_ID_SIZE = 20 };

enum app_outcome {
	APP_HOLDS,
	APP_FAILS,
	APP_UNCHECKED, /* something for it is not there */
	APP_NO_MATTER, /* it does not apply */
	APP_OUTCOME_COUNT,
};

/* What vouches for the connection that the evidence came by. */
enum app_channel {
	APP_CHANNEL_NONE,     /* a file, or a connection without TLS */
	APP_CHANNEL_EVIDENCE, /* TLS, and the report data are those of GetEvidence */
	APP_CHANNEL_RATLS,    /* TLS, and the evidence is in the certificate */
	APP_CHANNEL_DOMAIN, /* TLS, and the evidence is what a gateway shows of the key of its domain */
};

struct app_verify_args {
	const struct app_evidence *evidence; /* NULL: it has no form, as @evidence_fault says */
	const char *evidence_fault;
	const struct quote_result *quote; /* NULL: not verified, as @quote_fault says */
	const char *quote_fault;
	const struct account *account; /* NULL: there is none, or as @account_fault says */
	const char *account_fault;     /* NULL or "": nothing is wrong with it */
	const void *compose;	       /* given by hand; NULL: the evidence's own, if it has one */
	size_t n_compose;
	const char *compose_fault; /* why no hash can be made of what was given; NULL */
	/* Its guest asks for keys: what comes after boot-mr-done may not be in the log yet. */
	bool is_booting;
	/* What the caller expects; each NULL: nothing. */
	const uint8_t *app_id; /* APP_ID_SIZE */
	const struct digest256 *compose_hash;
	const uint8_t *nonce;
	size_t n_nonce;
	const uint8_t *report_data; /* REPORT_DATA_SIZE */
	enum app_channel channel;
	const uint8_t *tls_key; /* DER, of the certificate that the connection showed */
	size_t n_tls_key;
	/* The image that the caller believes, and what it makes of the evidence's vm_config. */
	bool has_image;
	const char *image_fault; /* it is not as its builder left it; NULL: it is */
	const char *image_hash;	 /* hex of its digest; "": it has none */
	const struct measurement
		*measurement; /* NULL: cannot be computed, as @measurement_fault says */
	const char *measurement_fault;
	bool is_config_fault; /* @measurement_fault is of the evidence's vm_config, not of the image */
};

struct app_row {
	char name[APP_NAME_SIZE]; /* for programs; those of the quote begin with "quote." */
	const char *claim;	  /* for people; static, as the next */
	const char
		*wants; /* what must be given for it, by the name that excuses it; NULL: nothing */
	enum app_outcome outcome;
	char why[APP_WHY_SIZE]; /* of all but APP_HOLDS; our own words and hex */
};

struct app_result {
	struct app_row rows[APP_ROWS_MAX];
	size_t n_rows;
	const char *check; /* the first that fails; NULL: none.  Into rows */
	size_t n_held, n_failed, n_unchecked;
};

/* *@ret is written in every case. */
void app_verify(const struct app_verify_args *args, struct app_result *ret);

/* "ok", "failed", "unchecked", "none": for programs. */
const char *app_outcome_name(enum app_outcome o);

/* Is @name that of a check which may stay unchecked, or what one wants?  Without a quote nothing is proved. */
bool app_verify_may_lack(const char *name);
