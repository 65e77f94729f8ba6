/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update: a VM changed, an operation of its queue
 *
 * Everything is checked when its turn comes, against what the operations before it left; then it is written
 * aside, decided by one rename, and put in place.  A failure leaves all as it was.
 *
 * Thread   the loop's.
 */
#pragma once

#include "daemon/lifecycle.h"
#include "proto/vmm.pb-c.h"

enum update_kind {
	UPDATE_ANY,	/* of a running VM too: it takes effect at the next start */
	UPDATE_STOPPED, /* dstack's ResizeVm: refused while it runs */
	UPDATE_KIND_COUNT,
};

/* Change @vm as @q says; @q is borrowed until the call returns.  Nothing to change is success. */
void vm_update(struct vm *vm, const Bailey__Vmm__UpdateVmRequest *q, enum update_kind kind,
	       vm_done_fn done, void *arg);
