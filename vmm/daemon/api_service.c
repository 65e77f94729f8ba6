/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_service.h"

#include "daemon/api.h"

#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"

#define ID	  (&bailey__id__descriptor)
#define EMPTY	  (&bailey__empty__descriptor)
#define VMM(name) (&bailey__vmm__##name##__descriptor)

static const struct rpc_method methods[] = {
	{ .name = "CreateVm",
	  .in = VMM(vm_configuration),
	  .out = ID,
	  .run = api_create_vm,
	  .changes = true },
	{ .name = "StartVm", .in = ID, .out = EMPTY, .run = api_start_vm, .changes = true },
	{ .name = "StopVm", .in = ID, .out = EMPTY, .run = api_stop_vm, .changes = true },
	{ .name = "HaltVm", .in = ID, .out = EMPTY, .run = api_halt_vm, .changes = true },
	{ .name = "ShutdownVm", .in = ID, .out = EMPTY, .run = api_shutdown_vm, .changes = true },
	{ .name = "RemoveVm", .in = ID, .out = EMPTY, .run = api_remove_vm, .changes = true },
	{ .name = "UpdateVm",
	  .in = VMM(update_vm_request),
	  .out = ID,
	  .run = api_update_vm,
	  .changes = true },
	{ .name = "UpgradeApp",
	  .in = VMM(update_vm_request),
	  .out = ID,
	  .run = api_update_vm,
	  .changes = true },
	{ .name = "ResizeVm",
	  .in = VMM(resize_vm_request),
	  .out = EMPTY,
	  .run = api_resize_vm,
	  .changes = true },
	{ .name = "ReloadVms",
	  .in = EMPTY,
	  .out = VMM(reload_vms_response),
	  .run = api_reload_vms,
	  .changes = true },
	{ .name = "GetComposeHash",
	  .in = VMM(vm_configuration),
	  .out = VMM(compose_hash),
	  .run = api_get_compose_hash },
	{ .name = "Status",
	  .in = VMM(status_request),
	  .out = VMM(status_response),
	  .run = api_status },
	{ .name = "GetInfo", .in = ID, .out = VMM(get_info_response), .run = api_get_info },
	{ .name = "ListImages",
	  .in = EMPTY,
	  .out = VMM(image_list_response),
	  .run = api_list_images },
	{ .name = "DeleteImage", .in = ID, .out = EMPTY, .run = api_delete_image, .changes = true },
	{ .name = "ListRegistryImages",
	  .in = EMPTY,
	  .out = VMM(registry_image_list_response),
	  .run = api_list_registry_images },
	{ .name = "ListPulls",
	  .in = EMPTY,
	  .out = VMM(registry_image_list_response),
	  .run = api_list_pulls },
	{ .name = "PullRegistryImage",
	  .in = VMM(pull_registry_image_request),
	  .out = EMPTY,
	  .run = api_pull_registry_image,
	  .changes = true },
	{ .name = "GetAppEnvEncryptPubKey",
	  .in = VMM(app_id),
	  .out = VMM(public_key_response),
	  .run = api_get_app_env_encrypt_pub_key },
	{ .name = "ListGpus", .in = EMPTY, .out = VMM(list_gpus_response), .run = api_list_gpus },
	{ .name = "SvList", .in = EMPTY, .out = VMM(sv_list_response), .run = api_sv_list },
	{ .name = "SvStop", .in = ID, .out = EMPTY, .run = api_sv_stop, .changes = true },
	{ .name = "SvRemove", .in = ID, .out = EMPTY, .run = api_sv_remove, .changes = true },
	{ .name = "Version", .in = EMPTY, .out = VMM(version_response), .run = api_version },
	{ .name = "GetMeta", .in = EMPTY, .out = VMM(get_meta_response), .run = api_get_meta },
};

const struct rpc_service vmm_service = {
	.name = "Vmm",
	.strip = "Teepod.",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
	.observe = api_observe,
};
