/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs: the collateral of a quote, from Intel or from who caches for Intel (a PCCS), kept on disk
 *
 * Owns     nothing between calls but the files in the cache folder.
 * Trusts   nobody: it looks at forms and dates only.  What it gives is what a file of an unknown sender
 *	    would be, also when it comes from the cache: the caller verifies it each time.
 * Limits   of each part in pccs_part.h; one deadline for all of them together.
 * Thread   any; it blocks.
 * Wire     Intel's "PCS API" version 4, which a PCCS repeats: four requests, see pccs_url.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;
struct quote;

#define PCCS_INTEL_URL "https://api.trustedservices.intel.com"

/* What collateral is published by. */
struct pccs_platform {
	bool is_tdx;	      /* else SGX */
	bool is_processor_ca; /* else the platform CA */
	uint8_t fmspc[6];
};

struct pccs_args {
	const char *url;     /* of the service; NULL: PCCS_INTEL_URL */
	const char *ca_file; /* PEM of who may sign its certificate; NULL: whom this host trusts */
	const char *cache;   /* a folder, made if it is not there; NULL: nothing is kept */
	bool may_http;	     /* without TLS also if it is not on the loopback interface */
	bool wants_fresh;    /* ask the service, whatever is in the cache */
	int64_t at;	     /* seconds since 1970: what has ended then is asked for anew */
	unsigned int timeout_ms; /* for all; 0: 30000 */
};

/* One GET, for who has another way to do it than libcurl: a guest, whose image has none. */
struct pccs_get {
	const char *url;     /* without a peer's bytes: of our own making below the service's URL */
	const char *ca_file; /* as in pccs_args */
	bool is_loopback;    /* then no proxy is before it */
	size_t reply_max;    /* a longer body is ERR_LIMIT */
	unsigned int timeout_ms; /* for the whole call */
	/* To be called with each line of the answer's head, the status line too, without its end. */
	int (*on_header)(const char *line, size_t n, void *arg);
	void *arg; /* of @on_header */
};

/*
 * Do it: HTTPS, or HTTP if the URL says so; no redirection is followed.  @body is the caller's, with no max
 * set yet.  Return: 0 with any HTTP status in *@ret_status, negative if there was no answer, or what
 * @on_header gave.
 */
typedef int (*pccs_get_fn)(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
			   struct err *e);

/* Where the parts came from. */
struct pccs_origin {
	unsigned int n_fetched, n_cached;
	int64_t until;	  /* when the first of them ends */
	struct err cache; /* why nothing could be kept; code 0: it could, or was not wanted */
};

/*
 * What the PCK certificate in a quote says of its platform; it is not verified here.
 * Return: 0, ERR_INPUT for a quote without a chain of such certificates.
 */
int pccs_platform_of(const struct quote *q, struct pccs_platform *ret, struct err *e);

static inline bool pccs_platform_is_same(const struct pccs_platform *a,
					 const struct pccs_platform *b)
{
	return a->is_tdx == b->is_tdx && a->is_processor_ca == b->is_processor_ca &&
	       __builtin_memcmp(a->fmspc, b->fmspc, sizeof(a->fmspc)) == 0;
}

/*
 * All four parts as one JSON object, which collateral_parse() reads, into @ret (the caller's, with a max
 * of COLLATERAL_MAX).  A part that has ended is never taken from the cache; one that the service gives is
 * passed on as it is, for the verifier to refuse by name.
 *
 * Return: 0; ERR_INPUT for a URL that is not one; ERR_NOT_FOUND: the service does not know the platform;
 * ERR_PROTO, ERR_LIMIT, -ETIMEDOUT, others: the service did not give what it should.
 */
int pccs_fetch(const struct pccs_args *a, const struct pccs_platform *p, struct buf *ret,
	       struct pccs_origin *origin, struct err *e);

/* The same by @get, with @arg; pccs_fetch() is this with libcurl. */
int pccs_fetch_by(pccs_get_fn get, void *arg, const struct pccs_args *a,
		  const struct pccs_platform *p, struct buf *ret, struct pccs_origin *origin,
		  struct err *e);

/* Could this check of quote_checks[] hold with a collateral that is fetched anew? */
bool pccs_may_mend(const char *check);
