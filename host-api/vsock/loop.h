/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: epoll with a function per descriptor
 *
 * Why not libuv: streams are watched edge-triggered, once, with no system call to
 * stop and start reading; that is most of the speed of small messages.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop_source;

typedef void (*loop_ready_fn)(struct loop_source *s, uint32_t events);

/* Embedded in what is watched; stays put until the end of the turn after loop_forget(). */
struct loop_source {
	loop_ready_fn ready;
	void *arg;
};

struct loop {
	int epoll;
};

int loop_init(struct loop *l, struct err *e);
void loop_deinit(struct loop *l);

/* Call s->ready on @events (EPOLL*).  Return: 0 or a negative errno. */
int loop_watch(struct loop *l, int fd, uint32_t events, struct loop_source *s, struct err *e);
int loop_change(struct loop *l, int fd, uint32_t events, struct loop_source *s);
void loop_forget(struct loop *l, int fd);

/* Wait up to @timeout_ms (-1: for ever), then call what is ready.  Return: 0 or a negative errno. */
int loop_turn(struct loop *l, int timeout_ms, struct err *e);
