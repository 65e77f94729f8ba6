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
