/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_info: a VM as the API shows it
 *
 * Borrows  texts of the VM; what has to be made is in the scratch.
 */
#pragma once

#include <stdbool.h>

#include "proto/vmm.pb-c.h"

struct manifest_gateway;
struct rpc_call;
struct scratch;
struct vm;

enum { VM_INFO_EVENTS = 20 }; /* the last ones, as dstack's own ring has; /events has all */

enum vm_info_detail {
	VM_INFO_BRIEF,	  /* without the configuration */
	VM_INFO_FULL,	  /* all of it can be looked at */
	VM_INFO_AS_JSON,  /* the configuration can only be written, as JSON; it may be ready */
	VM_INFO_AS_BYTES, /* the same, as protobuf */
};

/* What @brief asks for of an answer to @call. */
enum vm_info_detail vm_info_detail(const struct rpc_call *call, bool brief);

/* A gateway as the API shows it; its texts are borrowed from @from. */
Bailey__Vmm__GatewayService *vm_info_gateway(const struct manifest_gateway *from,
					     struct scratch *s);

Bailey__Vmm__VmInfo *vm_info(const struct vm *vm, enum vm_info_detail detail, struct scratch *s);
