/* SPDX-License-Identifier: Apache-2.0 */
/* api_gpu: ListGpus */
#include "daemon/api_service.h"

#include "base/err.h"
#include "base/mem.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/gpus.h"
#include "daemon/scratch.h"
#include "proto/vmm.pb-c.h"

static Bailey__Vmm__GpuInfo *info_of(const struct daemon *d, const struct host_gpu *g,
				     struct scratch *s)
{
	Bailey__Vmm__GpuInfo *i = scratch_new(s, Bailey__Vmm__GpuInfo);

	bailey__vmm__gpu_info__init(i);
	i->slot = scratch_str(s, g->slot);
	i->product_id = scratch_printf(s, "%04x:%04x", g->vendor, g->product);
	i->description = scratch_printf(s, "NVIDIA %s, NUMA node %u, driver %s",
					g->is_display ? "VGA controller" : "3D controller", g->node,
					*g->driver ? g->driver : "none");
	i->is_free = gpus_is_free(d, g);
	return i;
}

/* Bridges come with their GPUs and are not asked for. */
void api_list_gpus(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Vmm__ListGpusResponse out = BAILEY__VMM__LIST_GPUS_RESPONSE__INIT;
	auto_free struct gpus_offered *all = xnew(struct gpus_offered);
	auto_scratch struct scratch s = SCRATCH_NULL;
	const struct daemon *d = ctx;
	struct err e = ERR_NONE;
	size_t i;

	(void)in;
	if (d->config->gpu_enabled && gpus_offered(d->config, d->sysfs, all, &e)) {
		rpc_fail(call, &e);
		return;
	}
	out.gpus = scratch_list(&s, all->n);
	for (i = 0; i < all->n; i++) {
		if (!all->items[i].is_bridge)
			out.gpus[out.n_gpus++] = info_of(d, &all->items[i], &s);
	}
	out.allow_attach_all = d->config->gpu_allow_all;
	rpc_reply(call, &out.base);
}
