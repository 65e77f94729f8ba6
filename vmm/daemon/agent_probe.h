/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_probe: is a guest up that was booting when the daemon went away?
 *
 * Our guests keep their notices until the daemon is back.  Others may have said "done" to nobody; but a guest whose
 * agent answers is up.  Asked once, when a VM is found running; what the guest says by itself counts more.
 *
 * Limits   one call for each VM, guest_call's.
 * Thread   the loop's.
 */
#pragma once

struct daemon;
struct vm;

/* Ask the agent of @vm, which was found running and of which it is not known that it is up. */
void agent_probe_start(struct vm *vm);

/* Drop the calls that are under way. */
void agent_probe_stop(struct daemon *d);
