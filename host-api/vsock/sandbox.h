/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what bailey-vsock gives up, in named stages
 *
 *	sandbox_early	no descriptors but those we were given; no new privileges, no ptrace
 *	sandbox_user	from root to an ordinary user
 *	sandbox_limits	descriptors, memory, no processes, no core file
 *	sandbox_files	landlock: of all files, only removing our sockets; no TCP
 *	sandbox_final	seccomp: the system calls of serving, nothing else
 *
 * Call them in this order.  After sandbox_final() a call that is not on the list
 * kills the process.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct err;

int sandbox_early(int keep_fd, struct err *e);

/* Look up a user.  Return: 0 or ERR_INPUT. */
int sandbox_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct err *e);

int sandbox_user(uid_t uid, gid_t gid, struct err *e);

int sandbox_limits(struct err *e);

/* @dirs: the folders of our sockets.  Return: 0; -EOPNOTSUPP when the kernel has no landlock. */
int sandbox_files(const char *const *dirs, size_t n, struct err *e);

int sandbox_final(struct err *e);
