/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_front_parts: what the files of tls_front share; nobody else includes it
 *
 *	tls_front.c  listeners, limits, the certificate, the end
 *	tls_conn.c   a client: its handshake, deadlines, when to look at its two sockets
 *	tls_relay.c  bytes from one to the other, and the ends of both streams
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <uv.h>

#include "loop/tls_front.h"

struct tls;
struct tls_ctx;

enum { TLS_FLOW_SIZE = 16384 }; /* a record's, so that one is never left behind in half */

/* Bytes on their way, and the end of the stream after them. */
struct tls_flow {
	size_t at, n;	      /* n bytes at room + at */
	bool is_eof, is_over; /* the source has ended; the other side was told */
	uint8_t room[TLS_FLOW_SIZE];
};

struct tls_relay {
	struct tls_flow up, down; /* client to app, app to client */
	bool is_app_gone;	  /* all that it will ever say can be read, and it reads no more */
	bool moved;		  /* a byte, since the last look */
	bool has_asked;		  /* the client, anything at all */
	bool is_answered;	  /* the last that moved was said by the app, all of it */
	int net, app;		  /* UV_READABLE, UV_WRITABLE: what to wait for */
};

enum tls_phase { TLS_HANDSHAKE, TLS_RELAY, TLS_LINGER };

/* An object lives until libuv has let go of its last handle: n_handles counts uv_*_init() minus close callbacks. */
struct tls_conn {
	LIST_ENTRY(tls_conn) link;
	struct tls_front *front;
	uv_poll_t net, app;
	uv_timer_t timer;
	unsigned int n_handles;
	bool has_app; /* its poll was initialised */
	int net_fd, app_fd;
	int net_armed, app_armed; /* what is waited for; 0: nothing */
	enum tls_phase phase;
	struct tls *tls;
	struct tls_relay *relay;   /* from TLS_RELAY on */
	uint64_t moved_ms, end_ms; /* the last byte; when it ends whatever happens, 0: not said */
	struct sockaddr_storage from;
};

struct tls_listener {
	LIST_ENTRY(tls_listener) link;
	struct tls_front *front;
	uv_poll_t poll;
	int fd;
};

struct tls_front {
	uv_loop_t *loop;
	struct tls_front_options o; /* its texts are not kept */
	struct tls_ctx *ctx;
	uv_timer_t again;	/* accept again, when there were no fds */
	unsigned int n_handles; /* its own timer's and the listeners' */
	LIST_HEAD(, tls_listener) listeners;
	LIST_HEAD(, tls_conn) conns;
	struct tls_front_counts counts;
	bool is_stopping;
	void (*done)(void *arg);
	void *done_arg;
};

/* tls_front.c */
void tls_front_release(struct tls_front *f);

/* tls_conn.c: takes @fd over in every case. */
int tls_conn_start(struct tls_front *f, int fd, const struct sockaddr_storage *from, struct err *e);
void tls_conn_close(struct tls_conn *c);

/* tls_relay.c: move what can be moved.  Return: 1 both streams are over, 0 wait, negative: give up. */
int tls_relay_step(struct tls_relay *r, struct tls *t, int net_fd, int app_fd);
