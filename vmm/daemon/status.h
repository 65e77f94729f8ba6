/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: the one word that says how a VM is, from what is wanted and what is there
 *
 * dstack's words and dstack's table; nothing else may invent a status.
 */
#pragma once

#include <stdbool.h>

struct vm_facts {
	bool is_removing; /* RemoveVm was accepted */
	bool is_started;  /* the operator wants it to run */
	bool is_running;  /* it has a process, or is being given one */
};

enum vm_status {
	VM_STOPPED,
	VM_STOPPING,
	VM_EXITED, /* it should run and does not */
	VM_RUNNING,
	VM_REMOVING,
	VM_STATUS_COUNT,
};

enum vm_status vm_status(struct vm_facts f);
const char *vm_status_text(enum vm_status s);
