/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: tell the service manager how we are, by sd_notify(3)'s protocol
 *
 * One datagram to the unix socket that NOTIFY_SOCKET names; without it nothing is done.  libsystemd would be a
 * library of two megabytes for these lines.
 */
#pragma once

#include <stdint.h>

/* Send @state, as "READY=1\nSTATUS=...".  What fails is nobody's business but the manager's: it waits in vain. */
void notify(const char *state);

/* How often at most WATCHDOG=1 is to be sent, in ms: half of what the manager waits; 0: it does not wait. */
uint64_t notify_watchdog_ms(void);
