/* SPDX-License-Identifier: Apache-2.0 */
/* api_vm: the calls that change VMs */
#include "daemon/api_service.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/boot_measure.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/guest_proxy.h"
#include "daemon/host_down.h"
#include "daemon/lifecycle.h"
#include "daemon/reconnect.h"
#include "daemon/validate.h"
#include "daemon/vm.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"
#include "store/manifest.h"

/* A call that waits for an operation. */
struct pending {
	struct rpc_call *call;
	const char *failed; /* "Failed to start VM" */
	char id[VM_ID_MAX + 1];
};

static struct pending *pending_new(struct rpc_call *call, const char *failed, const char *id)
{
	struct pending *p = xnew(struct pending);

	p->call = call;
	p->failed = failed;
	(void)str_copy(p->id, sizeof(p->id), id);
	return p;
}

static void fail(struct rpc_call *call, const char *failed, const struct err *why)
{
	struct err e = *why;

	if (failed)
		(void)err_wrap(&e, e.code, "%s", failed);
	rpc_fail(call, &e);
}

static void done_empty(void *arg, int rc, const struct err *why)
{
	static const Bailey__Empty empty = BAILEY__EMPTY__INIT;
	struct pending *p = arg;

	if (rc)
		fail(p->call, p->failed, why);
	else
		rpc_reply(p->call, &empty.base);
	free(p);
}

static void done_id(void *arg, int rc, const struct err *why)
{
	struct pending *p = arg;
	Bailey__Id out = BAILEY__ID__INIT;

	out.id = p->id;
	if (rc)
		fail(p->call, p->failed, why);
	else
		rpc_reply(p->call, &out.base);
	free(p);
}

struct vm *api_find_vm(struct rpc_call *call, struct daemon *d, const char *id, const char *failed)
{
	struct vm *vm = vm_id_is_valid(id) ? fleet_find(&d->fleet, id) : NULL;
	struct err e = ERR_NONE;

	if (d->is_stopping)
		(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
	else if (!vm_id_is_valid(id))
		(void)err_set(&e, ERR_INPUT, VM_ID_INVALID);
	else if (!vm)
		(void)err_set(&e, ERR_NOT_FOUND, "VM not found: %s; Status lists them", id);
	else if (vm->unusable)
		(void)err_set(&e, ERR_BAD_STATE, "%s", vm->unusable);
	else
		return vm;
	fail(call, failed, &e);
	return NULL;
}

static struct vm *find(struct rpc_call *call, struct daemon *d, const ProtobufCMessage *in,
		       const char *failed)
{
	return api_find_vm(call, d, ((const Bailey__Id *)in)->id, failed);
}

/* Before anything of the call is done; what it needs libvirt for would fail half way. */
static bool is_served(struct rpc_call *call, const struct daemon *d, const char *failed)
{
	struct err e = ERR_NONE;

	if (!host_down_check(d, &e) && !reconnect_check(d, &e))
		return true;
	fail(call, failed, &e);
	return false;
}

void api_create_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__VmConfiguration *c = (const Bailey__Vmm__VmConfiguration *)in;
	const struct vm_files files = {
		.compose = c->compose_file,
		.n_compose = strlen(c->compose_file),
		.encrypted_env = c->encrypted_env.data,
		.n_encrypted_env = c->encrypted_env.len,
		.user_config = c->user_config,
	};
	auto_manifest struct manifest m = MANIFEST_NULL;
	struct daemon *d = ctx;
	struct err e = ERR_NONE;
	struct pending *p;
	const char *id;

	if (d->is_stopping) {
		(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
		rpc_fail(call, &e);
		return;
	}
	if (validate_new(d, c, &m, &e)) {
		rpc_fail(call, &e);
		return;
	}
	if (!c->stopped && !is_served(call, d, "Failed to start VM"))
		return;
	p = pending_new(call, NULL, "");
	id = vm_create(d, &m, &files, c->stopped, done_id, p, &e);
	if (!id) {
		free(p);
		rpc_fail(call, &e);
		return;
	}
	(void)str_copy(p->id, sizeof(p->id), id);
}

void api_start_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	static const char failed[] = "Failed to start VM";
	struct vm *vm = find(call, ctx, in, failed);

	if (vm && is_served(call, ctx, failed))
		vm_start(vm, done_empty, pending_new(call, failed, ""));
}

void api_accept_drift(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	static const char failed[] = "Failed to accept the drift";
	const Bailey__Empty empty = BAILEY__EMPTY__INIT;
	struct vm *vm = find(call, ctx, in, failed);
	struct err e = ERR_NONE;

	if (!vm)
		return;
	if (boot_forget_record(vm->dirfd, &e) < 0)
		fail(call, failed, &e);
	else
		rpc_reply(call, &empty.base);
}

static void end(struct rpc_call *call, void *ctx, const ProtobufCMessage *in,
		void (*how)(struct vm *vm, vm_done_fn done, void *arg))
{
	static const char failed[] = "Failed to stop VM";
	struct vm *vm = find(call, ctx, in, failed);
	struct err e = ERR_NONE;

	if (!vm)
		return;
	if (vm->is_removing) {
		(void)err_set(&e, ERR_BAD_STATE, "VM is being removed");
		fail(call, failed, &e);
		return;
	}
	if (is_served(call, ctx, failed))
		how(vm, done_empty, pending_new(call, failed, ""));
}

void api_stop_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	end(call, ctx, in, vm_stop);
}

void api_halt_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	end(call, ctx, in, vm_halt);
}

void api_remove_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	static const char failed[] = "Failed to remove VM";
	struct vm *vm = find(call, ctx, in, failed);

	if (vm && is_served(call, ctx, failed))
		vm_remove(vm, done_empty, pending_new(call, failed, ""));
}

void api_shutdown_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	guest_proxy_call(call, ctx, (const Bailey__Id *)in, "Shutdown");
}
