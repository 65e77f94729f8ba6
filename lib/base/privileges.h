/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges: become a user who may do less, and let nobody look into our memory
 *
 * Thread   before there are others.
 */
#pragma once

struct err;

/* No core file, no ptrace by our user, no new privileges. */
void privileges_close_memory(void);

/*
 * Make @folder (0700; NULL: none) if it is not there; its parent is.  If we are root, it is @user's, and we become
 * that user, with his groups, for good; "root" stays.  Return: 0; ERR_INPUT: there is no such user; others.
 */
int privileges_drop(const char *user, const char *folder, struct err *e);

/*
 * The same, but programs that we run may still do what @capability (CAP_NET_ADMIN) allows, and we ourselves no more
 * than others of that user.  Nothing is kept of what we never had.
 */
int privileges_drop_but(const char *user, const char *folder, int capability, struct err *e);
