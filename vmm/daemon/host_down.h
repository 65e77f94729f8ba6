/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_down: the host is to be switched off: guests are asked to stop, then the daemon ends
 *
 * What is wanted of VMs stays as it is, so that they run again when the host is back.
 *
 * Thread   the loop's.
 */
#pragma once

struct daemon;
struct err;

/* SIGPWR.  Begin; with stop.host: leave only end the daemon.  Idempotent. */
void host_down_begin(struct daemon *d);

/* An operation ended: if no VM runs any more, the daemon ends. */
void host_down_idle(struct daemon *d);

/* May an operation begin that an operator asks for?  Return: 0; ERR_BAD_STATE. */
int host_down_check(const struct daemon *d, struct err *e);
