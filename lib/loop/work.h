/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: a blocking function on the thread pool, its result on the loop
 *
 * The function sees only what it is given; it must not touch anything the loop owns.
 */
#pragma once

#include <uv.h>

/* @run on a worker thread, then @done on the loop with the same @arg; @done also runs on cancellation at exit. */
void work_start(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg);

/*
 * The same on a thread of its own, for what takes minutes: the pool has few threads.  The thread lives until @run
 * has returned; @done runs on the loop.
 */
void work_start_alone(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg);
