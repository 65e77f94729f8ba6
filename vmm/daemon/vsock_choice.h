/* SPDX-License-Identifier: Apache-2.0 */
/* vsock_choice: which carrier this host's VMs get, and why */
#pragma once

struct config;
struct daemon;
struct err;

/* The configured program, or bailey-vsock beside our own program.  NULL: not known.  The caller frees. */
char *vsock_program(const struct config *c);

/*
 * Decide from the configuration and what the host can do; sets vsock, vsock_program, is_bailey_vsock and
 * vsock_why of @d.  Return: 0; ERR_MISSING with what is missing.
 */
int vsock_choose(struct daemon *d, struct err *e);
