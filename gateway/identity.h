/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: who the gateway is to guests and operators: the certificate of its HTTPS services
 *
 * From files (registration.certificate, .key, .client_ca), which are read again when they change, or, without them,
 * from the agent of the guest that the gateway runs in (agent:), which has the KMS sign one for registration.names;
 * then a new one is asked for when two thirds of its time are over.  An agent that is not there yet is asked again,
 * every IDENTITY_LOOK_MS: until it answers there is no identity, and no service by TLS is open.
 *
 * Owns     the present certificate and key; the key is wiped when another takes its place.
 * Trusts   the agent's socket.
 * Thread   its loop's; the agent is asked on a thread of the pool.
 * Wire     dstack's GetTlsKey: ra_tls, server and client auth, with_app_info.
 */
#pragma once

#include <stdint.h>

#include <uv.h>

struct err;
struct gw_config;
struct identity;

enum { IDENTITY_USERS_MAX = 4, IDENTITY_LOOK_MS = 1000 };

/* All PEM.  What tls_front_start() and tls_front_swap() take. */
struct gw_identity {
	const char *chain; /* the service's certificate, leaf first */
	const char *key;   /* its private key (PKCS #8): to be handed on, never copied elsewhere */
	const char *client_ca; /* the KMS's root: whose certificates clients may show */
};

/*
 * There is an identity, the first or another one; @i is borrowed until it returns.  Return: 0; negative and @e if
 * the user cannot go on with it: it keeps what it had, which is logged.
 */
typedef int (*identity_fn)(const struct gw_identity *i, void *arg, struct err *e);

/*
 * Begin: read the files, which must be right, or ask the agent.  With neither configured *@ret is NULL, which the
 * functions below take.  @c is borrowed until identity_stop().
 */
int identity_start(struct identity **ret, uv_loop_t *loop, const struct gw_config *c,
		   struct err *e);

/*
 * From now on tell @fn.  If there is an identity already it runs before this returns, and what it returned is
 * returned; else 0, and it runs from the loop.  IDENTITY_USERS_MAX at most.
 */
int identity_subscribe(struct identity *i, identity_fn fn, void *arg, struct err *e);

/* The present one, borrowed until the next turn of the loop; NULL: there is none yet. */
const struct gw_identity *identity_get(const struct identity *i);

/* The end of the present certificate, s since 1970; 0: there is none. */
int64_t identity_end(const struct identity *i);

/* Users are told nothing more; frees itself when the loop has let go of it.  NULL is nothing. */
void identity_stop(struct identity *i);
