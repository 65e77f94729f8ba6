/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port: one listening socket for HTTP with and without TLS, told apart by a client's first byte
 *
 * Owns     the listening socket, and clients that have not said anything yet.
 * Borrows  the two servers.
 * Trusts   nothing it reads, and takes nothing: the first byte is looked at and left for the server.
 * Limits   PORT_WAITING_MAX clients wait for their first byte, the oldest goes when there are more; each for
 *	    PORT_FIRST_BYTE_MS.  What comes after is the servers'.
 * Thread   the loop's.
 */
#pragma once

#include <sys/queue.h>

#include <uv.h>

struct err;
struct http_server;
struct port_client;

enum { PORT_WAITING_MAX = 64, PORT_FIRST_BYTE_MS = 10000 };

struct port {
	struct http_server *plain, *secure; /* secure may be NULL: then all clients are plain's */
	uv_poll_t listening;
	uv_timer_t timer;
	int fd;
	unsigned int n_waiting;
	TAILQ_HEAD(port_clients, port_client) waiting; /* the oldest first */
};

/* @fd: bound and listening, taken over in every case.  @p must stay where it is.  Return: 0; negative. */
int port_start(struct port *p, uv_loop_t *loop, int fd, struct http_server *plain, struct err *e);

/* Close everything; the loop must run once more before @p may go.  For tests: the agent lives until it is killed. */
void port_stop(struct port *p);
