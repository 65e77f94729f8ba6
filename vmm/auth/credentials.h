/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials: what a request says about who sends it, taken out of its header and its query
 *
 * Wire     dstack's: X-Admin-Token, then Authorization: Bearer or Basic (RFC 7617), then for GET the query
 *	    token=.  The first that is there decides; "Bearer " and "Basic " are matched to the letter.
 * Trusts   nothing; this is a parser.
 * Limits   CREDENTIALS_MAX bytes of each.
 */
#pragma once

#include <stddef.h>

enum { CREDENTIALS_MAX = 1024 };

enum credentials_kind {
	CREDENTIALS_NONE,
	CREDENTIALS_TOKEN,    /* in secret */
	CREDENTIALS_PASSWORD, /* user and secret; either may be "" */
	CREDENTIALS_BAD,      /* there, and malformed */
	CREDENTIALS_KIND_COUNT,
};

struct credentials {
	enum credentials_kind kind;
	char user[CREDENTIALS_MAX + 1];
	char secret[CREDENTIALS_MAX + 1];
};

/* Wipes. */
void credentials_deinit(struct credentials *c);

/* Read the value of an Authorization header.  One of a scheme that is not ours is CREDENTIALS_NONE. */
void credentials_from_header(struct credentials *c, const char *value);

/* Read a raw query.  The first token= counts. */
void credentials_from_query(struct credentials *c, const char *query);

/* A token by itself: X-Admin-Token. */
void credentials_from_token(struct credentials *c, const char *token);

/* Take each token= out of @query, in place, so that nothing after can log it. */
void credentials_strip_query(char *query);
