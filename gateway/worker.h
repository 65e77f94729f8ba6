/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: a thread with its own listening sockets and its own connections
 *
 * Sockets are watched edge-triggered, once, for both directions: no system call ever changes what is watched.  That is
 * why this is epoll and not libuv, whose poll handles change it for each wait; everything that is not a client's byte
 * (signals, files, DNS, the admin socket) lives on the control thread's libuv loop.
 *
 * Owns     its epoll, sockets, connections, buffers and counters.
 * Thread   its own.  From the control thread: worker_start, worker_wake, worker_join, worker_post, and what is _Atomic.
 * Limits   the configuration's, shared by all workers where it says so.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/access_log.h"
#include "gateway/chunk.h"
#include "gateway/config.h"
#include "gateway/counters.h"
#include "gateway/pipes.h"
#include "gateway/tls_gate.h"
#include "gateway/wheel.h"
#include "loop/rate.h"

struct conn;
struct err;
struct resolver;
struct txt_answer;
struct world;

enum worker_mode {
	WORKER_RUN,
	WORKER_DRAIN, /* accept nothing more, end when all connections have */
	WORKER_STOP,
};

/* What all workers see. */
struct worker_shared {
	_Atomic(struct world *) world;
	_Atomic uint32_t mode;
	struct resolver *resolver; /* NULL: none, in tests */
	/* who cannot be reached before may be soon; set before workers start */
	uint64_t patient_until_ms;
};

/*
 * What is read at once, and what that is once encrypted.  A little less than twice 64 KiB: so it fits in two of the
 * largest segments that the kernel makes, and no small one goes after them.  PLAIN takes a record more: OpenSSL may hold
 * the most of one from before.  RAW is what is read at once where there is no TLS of ours.
 */
enum {
	WORKER_IN = 126 * 1024,
	WORKER_PLAIN = WORKER_IN + 16 * 1024,
	WORKER_OUT = 136 * 1024,
	WORKER_RAW = 64 * 1024
};

struct worker {
	struct worker_shared *shared;
	pthread_t thread;
	unsigned int index;
	_Atomic uint64_t seen; /* version of the world */

	const struct world *world;
	int epoll, wake;
	int listeners[GW_LISTEN_MAX];
	size_t n_listeners;
	bool is_started;
	bool is_deaf; /* out of descriptors: does not listen until the next tick */
	uint64_t now_ms, deaf_until_ms;
	uint32_t random;

	struct wheel wheel;
	struct conn *free_conns,
		*dead_conns; /* dead: until the turn is over, events may still name them */
	uint32_t n_free_conns;
	struct conn *ready; /* were cut off for fairness */
	struct conn *oldest_half_open, *newest_half_open;
	uint32_t n_conns, n_half_open;

	struct tls_wire wire;
	struct conn *wire_of; /* whose ciphertext is in the wire, if any */
	const uint8_t *
		early; /* what the client said before it was known where to: in @in, or in what waits for the app */
	size_t n_early;
	struct chunk_pool chunks;
	struct pipe_pool pipes;
	struct rate_table *rate; /* NULL: no limit */
	struct gw_counters counters;
	struct access_log access;

	pthread_mutex_t mail_lock;
	struct txt_answer *mail; /* from the resolver */

	uint8_t in[WORKER_IN], plain[WORKER_PLAIN], out[WORKER_OUT];
};

/* Open the listening sockets of @c; the thread begins with worker_start().  Return: 0 or negative. */
int worker_new(struct worker **ret, struct worker_shared *shared, unsigned int index,
	       const struct gw_config *c, struct err *e);
int worker_start(struct worker *w, struct err *e);

/* Make its loop turn: the world or the mode is another. */
void worker_wake(struct worker *w);

/* Wait for the end of its thread, if it was started, and free it. */
void worker_join(struct worker *w);

/* Give it an answer, which is the worker's then. */
void worker_post(struct worker *w, struct txt_answer *a);
