/* SPDX-License-Identifier: Apache-2.0 */
/* api_service: dstack's Vmm service; its context is the struct daemon */
#pragma once

#include "rpc/rpc.h"

struct daemon;
struct vm;

extern const struct rpc_service vmm_service;

/* The VM that a call is about; NULL: there is none, and the call has failed with "@failed: why" (NULL: why). */
struct vm *api_find_vm(struct rpc_call *call, struct daemon *d, const char *id, const char *failed);

/* Handlers: changes of VMs (api_vm.c), of images (api_image.c), processes (api_sv.c), and what only reads (api_read.c). */
void api_create_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_start_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_accept_drift(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_stop_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_halt_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_shutdown_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_remove_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_update_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_resize_vm(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_reload_vms(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);

void api_list_gpus(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_sv_list(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_sv_stop(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_sv_remove(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);

void api_list_registry_images(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_list_pulls(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_pull_registry_image(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_delete_image(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);

void api_status(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_get_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_list_images(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_version(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_get_meta(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_get_compose_hash(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);
void api_get_app_env_encrypt_pub_key(struct rpc_call *call, void *ctx,
				     const ProtobufCMessage *in); /* app_key.c */
