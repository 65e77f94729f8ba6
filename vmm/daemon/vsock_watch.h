/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock_watch: tells when the process that carries a VM's vsock ends
 *
 * Owns     a descriptor of the process and its handle on the loop.
 * Thread   the loop's.
 */
#pragma once

#include <uv.h>

struct err;
struct vsock_paths;
struct vsock_watch;

/**
 * vsock_watch_start() - watch the process that @p has, whoever started it
 * @ended: runs once, from the loop, unless vsock_watch_stop() came before
 *
 * Return: 0 and *@ret; ERR_NOT_FOUND if it has ended already; else negative, and it cannot be watched.
 */
int vsock_watch_start(struct vsock_watch **ret, uv_loop_t *loop, const struct vsock_paths *p,
		      void (*ended)(void *arg), void *arg, struct err *e);

/* Free it, soon.  NULL is nothing. */
void vsock_watch_stop(struct vsock_watch *w);
