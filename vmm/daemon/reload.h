/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: the fleet made what the folders of VMs say, while the daemon runs
 *
 * A folder that is new becomes a VM, and is started if its state says so.  One that changed is read again, in
 * the VM's queue, unless the VM runs.  A VM whose folder is gone is ended and forgotten; nothing is deleted.
 * What is not a VM, or does not load, is left alone with a warning.
 *
 * Thread   the loop's.
 */
#pragma once

#include <stdint.h>

struct daemon;
struct err;

struct reloaded {
	uint32_t loaded, updated, removed;
};

/* @e is ERR_NONE when @rc is 0. */
typedef void (*reload_done_fn)(void *arg, int rc, const struct reloaded *r, const struct err *e);

/* @done runs when all that changed is read; VMs that are started or ended may still be on their way. */
void reload_vms(struct daemon *d, reload_done_fn done, void *arg);
