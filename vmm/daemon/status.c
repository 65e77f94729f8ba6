/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/status.h"

#include <assert.h>

/* Index: removing, started, running. */
static const enum vm_status table[2][2][2] = {
	[false] = {
		[false] = { [false] = VM_STOPPED, [true] = VM_STOPPING },
		[true] = { [false] = VM_EXITED, [true] = VM_RUNNING },
	},
	[true] = {
		[false] = { [false] = VM_REMOVING, [true] = VM_REMOVING },
		[true] = { [false] = VM_REMOVING, [true] = VM_REMOVING },
	},
};

static const char *const texts[VM_STATUS_COUNT] = {
	[VM_STOPPED] = "stopped", [VM_STOPPING] = "stopping", [VM_EXITED] = "exited",
	[VM_RUNNING] = "running", [VM_REMOVING] = "removing",
};

enum vm_status vm_status(struct vm_facts f)
{
	return table[f.is_removing][f.is_started][f.is_running];
}

const char *vm_status_text(enum vm_status s)
{
	assert(s < VM_STATUS_COUNT);
	return texts[s];
}
