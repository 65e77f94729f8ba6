/* SPDX-License-Identifier: Apache-2.0 */
/* api_update: the calls that change VMs that exist, and the one that reads their folders again */
#include "daemon/api_service.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "daemon/daemon.h"
#include "daemon/reload.h"
#include "daemon/update.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"

enum { APP_ID_BYTES = 20 };

struct pending {
	struct rpc_call *call;
	char app_id[2 * APP_ID_BYTES + 1]; /* "" without a new compose file */
};

static void updated(void *arg, int rc, const struct err *why)
{
	struct pending *p = arg;
	Bailey__Id out = BAILEY__ID__INIT;

	out.id = p->app_id;
	if (rc)
		rpc_fail(p->call, why);
	else
		rpc_reply(p->call, &out.base);
	free(p);
}

static void resized(void *arg, int rc, const struct err *why)
{
	static const Bailey__Empty empty = BAILEY__EMPTY__INIT;
	struct rpc_call *call = arg;

	if (rc)
		rpc_fail(call, why);
	else
		rpc_reply(call, &empty.base);
}

/* dstack answers with the app id that the new compose file would have, and not with that of the VM. */
void api_update_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__UpdateVmRequest *q = (const Bailey__Vmm__UpdateVmRequest *)in;
	struct vm *vm = api_find_vm(call, ctx, q->id, NULL);
	struct digest256 hash;
	struct pending *p;

	if (!vm)
		return;
	p = xnew(struct pending);
	p->call = call;
	if (*q->compose_file) {
		hash = digest256_bytes(q->compose_file, strlen(q->compose_file));
		str_hex(p->app_id, hash.b, APP_ID_BYTES);
	}
	vm_update(vm, q, UPDATE_ANY, updated, p);
}

static int read_resize(const Bailey__Vmm__ResizeVmRequest *r, Bailey__Vmm__UpdateVmRequest *q,
		       struct err *e)
{
	if (r->has_vcpu_case) {
		q->has_vcpu_case = BAILEY__VMM__UPDATE_VM_REQUEST__HAS_VCPU_VCPU;
		q->vcpu = r->vcpu;
	}
	if (r->has_memory_case) {
		q->has_memory_case = BAILEY__VMM__UPDATE_VM_REQUEST__HAS_MEMORY_MEMORY;
		q->memory = r->memory;
	}
	if (r->has_disk_size_case) {
		q->has_disk_size_case = BAILEY__VMM__UPDATE_VM_REQUEST__HAS_DISK_SIZE_DISK_SIZE;
		q->disk_size = r->disk_size;
	}
	if (r->has_image_case) {
		q->has_image_case = BAILEY__VMM__UPDATE_VM_REQUEST__HAS_IMAGE_IMAGE;
		q->image = r->image;
	}
	if (!r->has_vcpu_case && !r->has_memory_case && !r->has_disk_size_case &&
	    !r->has_image_case)
		return err_set(e, ERR_INPUT, "resize request contains no updates");
	return 0;
}

void api_resize_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__ResizeVmRequest *r = (const Bailey__Vmm__ResizeVmRequest *)in;
	Bailey__Vmm__UpdateVmRequest q = BAILEY__VMM__UPDATE_VM_REQUEST__INIT;
	struct err e = ERR_NONE;
	struct vm *vm;

	if (read_resize(r, &q, &e)) {
		rpc_fail(call, &e);
		return;
	}
	vm = api_find_vm(call, ctx, r->id, NULL);
	if (vm)
		vm_update(vm, &q, UPDATE_STOPPED, resized, call);
}

static void reloaded(void *arg, int rc, const struct reloaded *r, const struct err *why)
{
	Bailey__Vmm__ReloadVmsResponse out = BAILEY__VMM__RELOAD_VMS_RESPONSE__INIT;
	struct rpc_call *call = arg;

	out.loaded = r->loaded;
	out.updated = r->updated;
	out.removed = r->removed;
	if (rc)
		rpc_fail(call, why);
	else
		rpc_reply(call, &out.base);
}

void api_reload_vms(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct daemon *d = ctx;
	struct err e = ERR_NONE;

	(void)in;
	if (d->is_stopping) {
		(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
		rpc_fail(call, &e);
		return;
	}
	reload_vms(d, reloaded, call);
}
