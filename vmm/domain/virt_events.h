/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virt_events: the event loop that libvirt asks its caller for, on our libuv loop
 *
 * Owns     a uv_poll for each fd that libvirt watches, a uv_timer for each of its timeouts, one uv_async.
 * Limits   libvirt registers an event loop once in a process: there is one, on one loop at a time.
 * Thread   libvirt adds, changes and removes from any thread; its callbacks run on the loop.
 */
#pragma once

#include <uv.h>

struct err;

/* Serve libvirt from @loop; before the first connection is opened.  Return: 0; ERR_BAD_STATE if it is served already. */
int virt_events_start(uv_loop_t *loop, struct err *e);

/* Drop every watch and timeout; @done runs once, from the loop.  Later requests of libvirt's are refused. */
void virt_events_stop(void (*done)(void *arg), void *arg);
