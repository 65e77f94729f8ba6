/* SPDX-License-Identifier: Apache-2.0 */
/* api_read: the calls that only look */
#include "daemon/api_service.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "crypto/digest.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/gateways.h"
#include "daemon/scratch.h"
#include "daemon/validate.h"
#include "daemon/vm.h"
#include "daemon/vm_info.h"
#include "loop/work.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"
#include "store/image.h"

static bool is_listed(const Bailey__Vmm__StatusRequest *q, const struct vm *vm)
{
	const struct manifest *m = &vm->manifest;
	size_t i;

	if (vm->is_hidden)
		return false;
	for (i = 0; i < q->n_ids && !str_equal(q->ids[i], m->id);)
		i++;
	if (q->n_ids && i == q->n_ids)
		return false;
	return !*q->keyword || strstr(m->name, q->keyword) || strstr(m->id, q->keyword) ||
	       strstr(m->app_id, q->keyword) || strstr(m->image, q->keyword);
}

void api_status(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__StatusRequest *q = (const Bailey__Vmm__StatusRequest *)in;
	Bailey__Vmm__StatusResponse out = BAILEY__VMM__STATUS_RESPONSE__INIT;
	bool paged = q->page >= 1 && q->page_size >= 1;
	uint64_t from = paged ? (uint64_t)(q->page - 1) * q->page_size : 0;
	uint64_t to = paged ? from + q->page_size : UINT64_MAX;
	auto_scratch struct scratch s = SCRATCH_NULL;
	struct daemon *d = ctx;
	enum vm_info_detail detail = vm_info_detail(call, q->brief);
	const struct vm *vm;

	out.vms = scratch_list(&s, d->fleet.n);
	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (!is_listed(q, vm))
			continue;
		if (out.total >= from && out.total < to)
			out.vms[out.n_vms++] = vm_info(vm, detail, &s);
		out.total++;
	}
	out.port_mapping_enabled = d->config->ports_enabled;
	rpc_reply(call, &out.base);
}

void api_get_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Vmm__GetInfoResponse out = BAILEY__VMM__GET_INFO_RESPONSE__INIT;
	auto_scratch struct scratch s = SCRATCH_NULL;
	const struct daemon *d = ctx;
	const struct vm *vm = fleet_find(&d->fleet, ((const Bailey__Id *)in)->id);

	out.found = vm != NULL;
	out.info = vm ? vm_info(vm, vm_info_detail(call, false), &s) : NULL;
	rpc_reply(call, &out.base);
}

void api_version(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Vmm__VersionResponse out = BAILEY__VMM__VERSION_RESPONSE__INIT;

	(void)ctx;
	(void)in;
	out.version = scratch_lend(DSTACK_VERSION);
	out.rev = scratch_lend("bailey:" BAILEY_VERSION);
	rpc_reply(call, &out.base);
}

void api_get_compose_hash(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__VmConfiguration *c = (const Bailey__Vmm__VmConfiguration *)in;
	Bailey__Vmm__ComposeHash out = BAILEY__VMM__COMPOSE_HASH__INIT;
	char hex[2 * sizeof(struct digest256) + 1];
	struct err e = ERR_NONE;
	struct digest256 h;

	(void)ctx;
	if (validate_compose(c, &e)) {
		rpc_fail(call, &e);
		return;
	}
	h = digest256_bytes(c->compose_file, strlen(c->compose_file));
	str_hex(hex, h.b, sizeof(h.b));
	out.hash = hex;
	rpc_reply(call, &out.base);
}

static char **lend_list(const struct config_urls *urls, struct scratch *s)
{
	char **list = scratch_list(s, urls->n);
	size_t i;

	for (i = 0; i < urls->n; i++)
		list[i] = scratch_lend(urls->items[i]);
	return list;
}

static void lend_services(const struct daemon *d, Bailey__Vmm__GatewaySettings *ret,
			  struct scratch *s)
{
	const struct vm *at = NULL;
	const struct manifest_gateway *g;

	ret->services = scratch_list(s, d->fleet.n);
	while ((g = gateways_next(d, &at)))
		ret->services[ret->n_services++] = vm_info_gateway(g, s);
}

void api_get_meta(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Vmm__KmsSettings kms = BAILEY__VMM__KMS_SETTINGS__INIT;
	Bailey__Vmm__GatewaySettings gateway = BAILEY__VMM__GATEWAY_SETTINGS__INIT;
	Bailey__Vmm__ResourcesSettings resources = BAILEY__VMM__RESOURCES_SETTINGS__INIT;
	Bailey__Vmm__NetworkingSettings networking = BAILEY__VMM__NETWORKING_SETTINGS__INIT;
	Bailey__Vmm__GetMetaResponse out = BAILEY__VMM__GET_META_RESPONSE__INIT;
	const struct daemon *d = ctx;
	const struct config *c = d->config;
	uint64_t memory = c->total_memory >> 20;
	auto_scratch struct scratch s = SCRATCH_NULL;
	char *user = scratch_lend("user");

	(void)in;
	kms.urls = lend_list(&c->kms_urls, &s);
	kms.n_urls = c->kms_urls.n;
	kms.url = scratch_lend(c->kms_urls.n ? c->kms_urls.items[0] : "");
	gateway.urls = lend_list(&c->gateway_urls, &s);
	gateway.n_urls = c->gateway_urls.n;
	gateway.url = scratch_lend(c->gateway_urls.n ? c->gateway_urls.items[0] : "");
	gateway.base_domain = scratch_lend(c->gateway_domain);
	gateway.port = c->gateway_port;
	gateway.agent_port = c->gateway_agent_port;
	lend_services(d, &gateway, &s);
	resources.max_cvm_number = c->max_vms;
	resources.max_allocable_vcpu = c->total_vcpu ? c->total_vcpu : c->max_vcpu;
	resources.max_allocable_memory_in_mb = memory > UINT32_MAX ? UINT32_MAX : (uint32_t)memory;
	networking.supported_modes = &user;
	networking.n_supported_modes = 1;
	networking.default_mode = user;
	out.kms = &kms;
	out.gateway = &gateway;
	out.resources = &resources;
	out.networking = &networking;
	rpc_reply(call, &out.base);
}

/* Reading a store of images is for a worker: it may be on a slow disk. */
struct listing {
	struct rpc_call *call;
	char *dir;
	struct image **list;
	size_t n;
	int rc;
	struct err err;
};

static void skipped(void *arg, const char *name, const struct err *why)
{
	(void)arg;
	log_debug("image '%s': skipped: %s", name, why->text);
}

static void list_run(void *arg)
{
	struct listing *l = arg;

	l->rc = image_list(l->dir, &l->list, &l->n, skipped, NULL, &l->err);
}

static void list_done(void *arg)
{
	struct listing *l = arg;
	Bailey__Vmm__ImageListResponse out = BAILEY__VMM__IMAGE_LIST_RESPONSE__INIT;
	auto_scratch struct scratch s = SCRATCH_NULL;
	size_t i;

	out.images = scratch_list(&s, l->n);
	for (i = 0; i < l->n; i++) {
		out.images[i] = scratch_new(&s, Bailey__Vmm__ImageInfo);
		bailey__vmm__image_info__init(out.images[i]);
		out.images[i]->name = l->list[i]->name;
		out.images[i]->description = l->list[i]->description;
		out.images[i]->version = l->list[i]->version_text;
		out.images[i]->is_dev = l->list[i]->is_dev;
	}
	out.n_images = l->n;
	if (l->rc)
		rpc_fail(l->call, &l->err);
	else
		rpc_reply(l->call, &out.base);
	image_list_free(l->list, l->n);
	free(l->dir);
	free(l);
}

void api_list_images(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct daemon *d = ctx;
	struct listing *l = xnew(struct listing);

	(void)in;
	l->call = call;
	l->dir = xstrdup(d->image_dir);
	work_start(d->loop, list_run, list_done, l);
}
