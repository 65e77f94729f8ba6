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
