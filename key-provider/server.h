/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: takes requests for keys, one on each connection, and answers or hangs up
 *
 * Owns     the listening fd, its connections, and the work under way for them.
 * Trusts   nobody who connects.
 * Limits   SERVER_CONNS_MAX connections, further ones are hung up on; a frame as in key_frame.h, refused by its
 *	    length before more of it is read; SERVER_HELD_MAX bytes of all requests together; one deadline for
 *	    the request to arrive, another for the answer to leave; JUDGE_MOST verifications at once, the
 *	    others wait.
 * Thread   the loop's; quotes are judged on the pool, which has JUDGE_MOST threads.
 * Wire     key_frame.h.  Whatever is wrong, the connection is closed without a word.
 */
#pragma once

#include <uv.h>

struct err;
struct journal;
struct judge;
struct keys;
struct server;

enum {
	SERVER_CONNS_MAX = 32,
	SERVER_TIMEOUT_MS = 30 * 1000,
	SERVER_HELD_MAX = 32 * 1024 * 1024,
};

/* All borrowed until it has stopped. */
struct server_options {
	const struct keys *keys;
	struct judge *judge;
	struct journal *journal;
	unsigned int timeout_ms; /* of each of the two deadlines; 0: SERVER_TIMEOUT_MS */
};

/* Accept on @fd (bound and listening stream socket; taken over in every case). */
int server_start(struct server **ret, uv_loop_t *loop, const struct server_options *o, int fd,
		 struct err *e);

/* Hang up on everybody; @done runs once from the loop, when nothing is under way any more.  NULL is nothing. */
void server_stop(struct server *s, void (*done)(void *arg), void *arg);
