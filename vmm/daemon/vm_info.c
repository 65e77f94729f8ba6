/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vm_info.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/gateways.h"
#include "daemon/scratch.h"
#include "daemon/vm.h"
#include "daemon/vm_texts.h"
#include "data/proto.h"
#include "domain/mac.h"
#include "rpc/rpc.h"

enum { ENCODED_MAX = 256 * 1024 }; /* a configuration that is longer is encoded each time */

/* How long ago, in words; "never" for 0. */
static char *ago(struct scratch *s, uint64_t at_ms)
{
	uint64_t now = time_unix_ms();
	char text[128];

	if (!at_ms)
		return scratch_str(s, "never");
	return scratch_str(
		s, time_duration(text, sizeof(text), now > at_ms ? (now - at_ms) / 1000 : 0));
}

static char **lent_list(const struct manifest_list *l)
{
	return l->items;
}

static Bailey__Vmm__PortMapping **ports(const struct manifest *m, struct scratch *s)
{
	Bailey__Vmm__PortMapping **list = scratch_list(s, m->n_ports);
	size_t i;

	for (i = 0; i < m->n_ports; i++) {
		list[i] = scratch_new(s, Bailey__Vmm__PortMapping);
		bailey__vmm__port_mapping__init(list[i]);
		list[i]->protocol = scratch_lend(m->ports[i].is_udp ? "udp" : "tcp");
		list[i]->host_port = m->ports[i].from;
		list[i]->vm_port = m->ports[i].to;
		list[i]->host_address = scratch_lend(m->ports[i].address);
	}
	return list;
}

static Bailey__Vmm__GpuConfig *gpus(const struct manifest *m, struct scratch *s)
{
	Bailey__Vmm__GpuConfig *g = scratch_new(s, Bailey__Vmm__GpuConfig);
	size_t i;

	bailey__vmm__gpu_config__init(g);
	g->attach_mode = m->gpu_attach_mode ? m->gpu_attach_mode : scratch_lend("listed");
	g->gpus = scratch_list(s, m->gpus.n);
	for (i = 0; i < m->gpus.n; i++) {
		g->gpus[i] = scratch_new(s, Bailey__Vmm__GpuSpec);
		bailey__vmm__gpu_spec__init(g->gpus[i]);
		g->gpus[i]->slot = m->gpus.items[i];
	}
	g->n_gpus = m->gpus.n;
	return g;
}

static Bailey__Vmm__NetworkingConfig *network(const struct manifest_network *n, struct scratch *s)
{
	Bailey__Vmm__NetworkingConfig *out = scratch_new(s, Bailey__Vmm__NetworkingConfig);

	bailey__vmm__networking_config__init(out);
	out->mode = n->mode;
	out->bridge_name = n->bridge;
	return out;
}

static void fill_networks(Bailey__Vmm__VmConfiguration *c, const struct manifest *m,
			  struct scratch *s)
{
	size_t i;

	c->networks = scratch_list(s, m->n_networks);
	for (i = 0; i < m->n_networks; i++)
		c->networks[i] = network(&m->networks[i], s);
	c->n_networks = m->n_networks;
	c->networking = m->n_networks ? c->networks[0] : NULL;
}

Bailey__Vmm__GatewayService *vm_info_gateway(const struct manifest_gateway *from, struct scratch *s)
{
	Bailey__Vmm__GatewayService *g = scratch_new(s, Bailey__Vmm__GatewayService);

	bailey__vmm__gateway_service__init(g);
	g->domain = from->domain;
	g->port = from->port;
	g->url = from->url;
	g->admin = from->admin;
	return g;
}

static Bailey__Vmm__VmConfiguration *configuration(const struct vm *vm, struct vm_texts t,
						   struct scratch *s)
{
	Bailey__Vmm__VmConfiguration *c = scratch_new(s, Bailey__Vmm__VmConfiguration);
	const struct manifest *m = &vm->manifest;

	bailey__vmm__vm_configuration__init(c);
	c->name = m->name;
	c->image = m->image;
	c->compose_file = t.compose;
	c->user_config = t.user_config;
	c->encrypted_env.data = t.env;
	c->encrypted_env.len = t.n_env;
	c->vcpu = m->vcpu;
	c->memory = m->memory;
	c->disk_size = m->disk_size;
	c->ports = ports(m, s);
	c->n_ports = m->n_ports;
	c->has_app_id_case = BAILEY__VMM__VM_CONFIGURATION__HAS_APP_ID_APP_ID;
	c->app_id = m->app_id;
	c->hugepages = m->hugepages;
	c->pin_numa = m->pin_numa;
	c->gpus = gpus(m, s);
	c->kms_urls = lent_list(&m->kms_urls);
	c->n_kms_urls = m->kms_urls.n;
	c->gateway_urls = lent_list(&m->gateway_urls);
	c->n_gateway_urls = m->gateway_urls.n;
	c->stopped = !vm->state.started;
	c->no_tee = m->no_tee;
	fill_networks(c, m, s);
	if (m->simulated_tee) {
		c->has_simulated_tee_case =
			BAILEY__VMM__VM_CONFIGURATION__HAS_SIMULATED_TEE_SIMULATED_TEE;
		c->simulated_tee = m->simulated_tee;
	}
	if (m->gateway)
		c->gateway_service = vm_info_gateway(m->gateway, s);
	return c;
}

/*
 * The same as it was encoded before, if nothing of it has changed: most of what a listing of a thousand VMs took was
 * to encode what hardly ever changes.
 */
static ProtobufCMessage *encoded(const struct vm *vm, bool is_json, struct scratch *s)
{
	struct vm_texts t = vm_texts(vm, s);
	struct vm_texts_kept *k = vm->texts;
	struct buf *b = is_json ? &k->json : &k->bytes;
	Bailey__Vmm__VmConfiguration *c;
	struct proto_ready *ready;

	if (k->was_stopped != !vm->state.started)
		vm_texts_drop_encoded(k);
	if (!b->n) {
		c = configuration(vm, t, s);
		*b = BUF_MAX(ENCODED_MAX);
		if (!vm_texts_are_kept(k) ||
		    (is_json ? proto_to_json(&c->base, b) : proto_to_bytes(&c->base, b))) {
			buf_deinit(b);
			return &c->base;
		}
		k->was_stopped = !vm->state.started;
	}
	ready = scratch_new(s, struct proto_ready);
	if (is_json)
		proto_ready_json(ready, (const char *)b->p, b->n);
	else
		proto_ready_bytes(ready, b->p, b->n);
	return &ready->base;
}

static Bailey__Vmm__VmConfiguration *configuration_of(const struct vm *vm,
						      enum vm_info_detail detail, struct scratch *s)
{
	if (detail == VM_INFO_BRIEF)
		return NULL;
	if (detail == VM_INFO_FULL)
		return configuration(vm, vm_texts(vm, s), s);
	/* the place of a message holds what can be written as one */
	return (Bailey__Vmm__VmConfiguration *)(void *)encoded(vm, detail == VM_INFO_AS_JSON, s);
}

enum vm_info_detail vm_info_detail(const struct rpc_call *call, bool brief)
{
	if (brief)
		return VM_INFO_BRIEF;
	return rpc_call_encoding(call) == RPC_JSON ? VM_INFO_AS_JSON : VM_INFO_AS_BYTES;
}

static void fill_events(Bailey__Vmm__VmInfo *v, const struct vm *vm, struct scratch *s)
{
	size_t n = vm->events.n < VM_INFO_EVENTS ? vm->events.n : VM_INFO_EVENTS, i;
	const struct event *ev;

	v->events = scratch_list(s, n);
	for (i = 0; i < n; i++) {
		ev = events_at(&vm->events, vm->events.n - n + i);
		v->events[i] = scratch_new(s, Bailey__Vmm__GuestEvent);
		bailey__vmm__guest_event__init(v->events[i]);
		v->events[i]->event = ev->name;
		v->events[i]->body = ev->body;
		v->events[i]->timestamp = ev->at_ms;
	}
	v->n_events = n;
}

static void fill_interfaces(Bailey__Vmm__VmInfo *v, const struct vm *vm, struct scratch *s)
{
	const struct manifest *m = &vm->manifest;
	size_t n = m->n_networks ? m->n_networks : 1, i;
	Bailey__Vmm__NetworkInterfaceStatus *x;
	char mac[MAC_TEXT_SIZE];

	v->interfaces = scratch_list(s, n);
	for (i = 0; i < n; i++) {
		x = v->interfaces[i] = scratch_new(s, Bailey__Vmm__NetworkInterfaceStatus);
		bailey__vmm__network_interface_status__init(x);
		x->mode = m->n_networks ? m->networks[i].mode : scratch_lend("user");
		x->backend = scratch_lend("slirp");
		if (mac_of(m->id, m->n_networks ? m->networks[i].mac_prefix : NULL, i, mac, NULL))
			mac[0] = 0;
		x->mac = scratch_str(s, mac);
		x->has_netdev_id_case =
			BAILEY__VMM__NETWORK_INTERFACE_STATUS__HAS_NETDEV_ID_NETDEV_ID;
		x->netdev_id = scratch_printf(s, "net%zu", i);
	}
	v->n_interfaces = n;
}

Bailey__Vmm__VmInfo *vm_info(const struct vm *vm, enum vm_info_detail detail, struct scratch *s)
{
	Bailey__Vmm__VmInfo *v = scratch_new(s, Bailey__Vmm__VmInfo);
	char *url = gateways_agent_url(vm, s);

	bailey__vmm__vm_info__init(v);
	v->id = scratch_lend(vm->manifest.id);
	v->name = vm->manifest.name;
	v->status = scratch_lend(vm_status_text(vm_status_of(vm)));
	v->uptime = ago(s, vm->state.started_at_ms);
	if (url) {
		v->has_app_url_case = BAILEY__VMM__VM_INFO__HAS_APP_URL_APP_URL;
		v->app_url = url;
	}
	v->app_id = vm->manifest.app_id;
	if (*vm->instance_id) {
		v->has_instance_id_case = BAILEY__VMM__VM_INFO__HAS_INSTANCE_ID_INSTANCE_ID;
		v->instance_id = scratch_lend(vm->instance_id);
	}
	v->configuration = configuration_of(vm, detail, s);
	v->has_exited_at_case = BAILEY__VMM__VM_INFO__HAS_EXITED_AT_EXITED_AT;
	v->exited_at = ago(s, vm->state.exited_at_ms);
	v->boot_progress = vm->boot_progress;
	v->boot_error = vm->boot_error;
	v->shutdown_progress = vm->shutdown_progress;
	v->image_version = vm->image_version;
	v->exit_reason = scratch_lend(vm_exit_text(vm->state.exit));
	v->restart_attempts = vm->state.restart_attempts;
	v->restart_gave_up = vm->state.restart_gave_up;
	v->restart_at_ms = vm->is_running ? 0 : vm->state.restart_due_ms;
	v->is_outdated = vm_is_outdated(vm);
	v->addresses = gateways_addresses(vm, s, &v->n_addresses);
	v->lacks_gateway = gateways_lacks(vm);
	fill_events(v, vm, s);
	fill_interfaces(v, vm, s);
	return v;
}
