/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isolate: what the process gives up
 *
 *	isolate_early	no core files, no ptrace by its user, no new privileges
 *	isolate_user	from root to `user`, with its state folder; before any peer is heard
 */
#pragma once

struct err;
struct kms_config;

void isolate_early(void);

/* As root with `user` set: make the state folder the user's, then become it.  Else nothing.  Return: 0 or negative. */
int isolate_user(const struct kms_config *c, struct err *e);
