/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what a VM is meant to be doing, as vm-state.json keeps it
 *
 * Wire     dstack's {"started":bool}, with keys of our own beside it that dstack ignores.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct vm_state {
	bool started; /* the operator wants it to run */
	bool running; /* it was given a process, and that this ended is not yet written down */
	uint32_t cid; /* of its vsock; 0: none chosen yet.  Kept for stopped VMs too */
	uint64_t generation;		      /* how many boots were begun */
	uint64_t started_at_ms, exited_at_ms; /* of the last boot; 0: never */
	char boot_id[37];		      /* of the host at the last start; "" if unknown */
};

/*
 * Missing file: all zero.  A file that does not parse: all zero too, and ERR_CORRUPT with the
 * reason, for a warning; the VM then counts as stopped.
 */
int vm_state_load(int dirfd, struct vm_state *ret, struct err *e);
int vm_state_save(int dirfd, const struct vm_state *s, struct err *e);

/* The running kernel's /proc/sys/kernel/random/boot_id, or "". */
void vm_state_host_boot(char ret[static 37]);
