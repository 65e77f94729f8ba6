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
 * If we are root: make @folder (0700) if it is not there, @user's, and become that user, with his groups, for
 * good.  "root" stays.  If we are not, nothing happens.  Return: 0; ERR_INPUT: there is no such user; others.
 */
int privileges_drop(const char *user, const char *folder, struct err *e);
