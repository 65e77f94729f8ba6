/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_info: a VM as the API shows it
 *
 * Borrows  texts of the VM; what has to be made is in the scratch.
 */
#pragma once

#include <stdbool.h>

#include "proto/vmm.pb-c.h"

struct scratch;
struct vm;

enum { VM_INFO_EVENTS = 20 }; /* the last ones, as dstack's own ring has; /events has all */

/* @brief: without the configuration. */
Bailey__Vmm__VmInfo *vm_info(const struct vm *vm, bool brief, struct scratch *s);
