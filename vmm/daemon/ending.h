/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ending: the steps after which nothing of a VM's process is left, for the operations that share them
 *
 * Each is content with finding its work done.  It is the hypervisor, asked afresh, that says whether a process is
 * there; what we remember may be old.
 *
 * Owns     the folder's descriptor.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>

#include "daemon/op.h"
#include "daemon/vsock_process.h"
#include "store/state.h"

struct hypervisor_result;

struct ending {
	struct op op; /* first: cast from it */
	struct vsock_paths sockets;
	struct vm_state state; /* to be written */
	int dirfd;
	bool had_process;
	enum vm_exit exit; /* what is recorded if it had a process */
	char why[256];	   /* the same in words, for the event */
};

/* Prepare for op_queue(). */
void ending_init(struct ending *x, struct vm *vm, const char *name, const struct op_step *steps,
		 op_fn done);
void ending_deinit(struct ending *x);

/* Write the state of the VM as it is now. */
void ending_save(struct op *op);

/* Steps, in this order. */
void ending_kill(struct op *op);
void ending_unlisten(struct op *op);
void ending_uncarry(struct op *op);
void ending_forget(struct op *op);
void ending_record(struct op *op); /* a guest that powered off is one that is wanted to be off */

/* For calls of the hypervisor: the step ends as @r says.  @arg: the operation. */
void ending_asked(void *arg, const struct hypervisor_result *r);
