/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_auth: who sends a request over TCP, by its token or password
 *
 * Trusts   nothing in the request but credentials that were found right.
 * Wire     dstack's (credentials.h); whoever is not known gets 401 with WWW-Authenticate: Basic, and an empty
 *	    body; an address that has tried AUTH_BURST wrong ones, and one each second since, gets 429.  A token
 *	    that is right, and a password that was right in the last minutes, are not held up by that.
 * Limits   AUTH_AT_ONCE passwords are checked at once, AUTH_WAITING requests wait for that; more get 429.
 * Thread   the loop's; passwords are checked on the pool.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/role.h"

struct api_auth;
struct config;
struct err;
struct http_request;

enum { AUTH_BURST = 10, AUTH_AT_ONCE = 2, AUTH_WAITING = 32, AUTH_NAME_MAX = 64 };

struct caller {
	enum role role;
	char name[AUTH_NAME_MAX + 1]; /* "token alice", "user bob"; "": without authentication */
};

/* Read the files of the configuration. */
int api_auth_new(struct api_auth **ret, const struct config *c, void *loop, struct err *e);

/* Run @changed whenever they were read again: who was let in before may not be now. */
void api_auth_on_change(struct api_auth *a, void (*changed)(void *arg), void *arg);

/* Requests that still wait are refused.  NULL is allowed. */
void api_auth_free(struct api_auth *a);

/* Read them again if they changed; @now: also if not. */
void api_auth_refresh(struct api_auth *a, bool now);

/* Is the file that is there now not in effect, because it is wrong? */
bool api_auth_is_stale(const struct api_auth *a);

/* How many requests were refused for want of right credentials. */
uint64_t api_auth_n_denied(const struct api_auth *a);

/*
 * Find out who sends @r, and run @known, before this returns or later; or answer @r.  A token in its query
 * is taken out of it.
 */
void api_auth_check(struct api_auth *a, struct http_request *r,
		    void (*known)(struct http_request *r, const struct caller *who, void *arg),
		    void *arg);

/* At its headers: may its body be long? */
bool api_auth_is_likely(struct api_auth *a, const struct http_request *r);
