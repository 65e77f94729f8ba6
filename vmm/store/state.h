/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what a VM is meant to be doing, as vm-state.json keeps it
 *
 * Wire     dstack's {"started":bool}, with keys of our own beside it that dstack ignores.  "version" is that of all
 *	    that we keep in the folder of a VM: without one it is 1.  Keys that we do not know are kept when the
 *	    file is written again.
 * Invariant what a newer version wrote is never written over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { VM_STATE_VERSION = 1 };

struct err;

/* Why its last process ended.  On disk and in the API by the words of vm_exit_text(). */
enum vm_exit {
	VM_EXIT_NONE,	   /* it runs, or never did */
	VM_EXIT_STOPPED,   /* it was asked to, and did */
	VM_EXIT_KILLED,	   /* we ended it because an operator said so */
	VM_EXIT_POWER_OFF, /* the guest's own power-off: a stop */
	VM_EXIT_REBOOT,	   /* these and what follows are ends that it is started again after */
	VM_EXIT_PANIC,
	VM_EXIT_CRASH,	 /* QEMU died */
	VM_EXIT_HOST,	 /* somebody on the host ended QEMU */
	VM_EXIT_VSOCK,	 /* the process that carried its vsock died */
	VM_EXIT_UNKNOWN, /* nobody was there to see it */
	VM_EXIT_COUNT,
};

/* "power-off", ...; "" for none. */
const char *vm_exit_text(enum vm_exit x);

/* What is to become of its process, where that takes a while. */
enum vm_stop {
	VM_STOP_NONE,
	VM_STOP_ASK, /* it is being stopped, in good order if it can be */
	VM_STOP_KILL,
	VM_STOP_COUNT,
};

struct vm_state {
	bool started; /* the operator wants it to run */
	bool running; /* it was given a process, and that this ended is not yet written down */
	uint32_t cid; /* of its vsock; 0: none chosen yet.  Kept for stopped VMs too */
	uint64_t generation;		      /* how many boots were begun */
	uint64_t started_at_ms, exited_at_ms; /* of the last boot; 0: never */
	char boot_id[37];		      /* of the host at the last start; "" if unknown */
	enum vm_exit exit;
	enum vm_stop stop; /* with started false and a process: how it is being ended */
	/* As daemon/restart.h keeps them. */
	uint32_t restart_attempts;
	bool restart_gave_up;
	uint64_t restart_due_ms; /* since 1970; 0: none */
};

/*
 * Missing file: all zero.
 *
 * Return: 0.  ERR_CORRUPT with the reason, for a warning: a file that does not parse is all zero, so the VM counts as
 * stopped; keys that are of the wrong type are named and taken for absent.  ERR_BAD_STATE: a newer version wrote
 * it; what we know of it is in @ret.
 */
int vm_state_load(int dirfd, struct vm_state *ret, struct err *e);

/* Return: 0; ERR_BAD_STATE, and nothing is written, over a newer version's; an errno. */
int vm_state_save(int dirfd, const struct vm_state *s, struct err *e);

/* The running kernel's /proc/sys/kernel/random/boot_id, or "". */
void vm_state_host_boot(char ret[static 37]);
