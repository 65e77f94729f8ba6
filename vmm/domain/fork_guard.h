/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork_guard: lets libvirt fork in a process that uses libuv
 *
 * In each forked child libuv closes its signal pipe and makes a new one.  libvirt starts QEMU through two forks: the
 * first child closes every fd, libuv's pipe too, and makes a pipe of its own at the lowest free numbers.  If those are
 * the numbers that libuv's had, libuv closes libvirt's pipe in the second child, and QEMU is never started ("Unable to
 * wait for child process").
 *
 * So libuv's pipe is kept at numbers that libvirt's children do not get to.
 */
#pragma once

/* Nothing to call at a given time: it is done before main().  A reference, so that the linker takes it. */
void fork_guard_enable(void);
