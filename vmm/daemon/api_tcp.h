/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_tcp: the API on TCP, with or without TLS, for who has a token or a password
 *
 * Trusts   nothing but what api_auth found right.  A browser is not its user: a request that another site
 *	    made it send is refused, and on a loopback address one under a name that is not ours.
 * Limits   a server of its own, so that who fills it keeps nobody from the unix socket: TCP_CONNS connections,
 *	    TCP_IP_CONNS of an address, bodies of TCP_BODIES bytes together, and none of who is not known.
 */
#pragma once

struct daemon;
struct err;

enum { TCP_CONNS = 256, TCP_IP_CONNS = 128, TCP_IDLE_S = 15, TCP_BODIES = 64 * 1024 * 1024 };

/* Serve on the addresses of the configuration; nothing is done if there are none. */
int api_tcp_start(struct daemon *d, struct err *e);

/* Also when it was not started.  @done may run before this returns. */
void api_tcp_stop(struct daemon *d, void (*done)(void *arg), void *arg);
