/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/guest_api.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/version.h"
#include "guest-stub/about.h"
#include "guest-stub/app_cert.h"
#include "guest-stub/gateway_status.h"
#include "guest-stub/machine.h"
#include "proto/common.pb-c.h"
#include "proto/guest.pb-c.h"

/* Messages are only read by who sends them; protobuf-c has no const in its structs. */
static char *text(const char *s)
{
	return mem_unconst(s);
}

static ProtobufCBinaryData bytes(const struct about_bytes *b)
{
	return (ProtobufCBinaryData){ .len = b->n, .data = mem_unconst(b->b) };
}

static void run_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct guest_api *g = ctx;
	const struct about *a = g->about;
	Bailey__Guest__GuestInfo out = BAILEY__GUEST__GUEST_INFO__INIT;

	(void)in;
	out.version = text(DSTACK_VERSION);
	out.app_id = bytes(&a->app_id);
	out.instance_id = bytes(&a->instance_id);
	out.app_cert = text(g->app_cert ? app_cert_text(g->app_cert) : "");
	out.tcb_info = text(a->public_tcbinfo ? a->tcb_info : "");
	out.device_id = bytes(&a->device_id);
	rpc_reply(call, &out.base);
}

static void run_sys_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Guest__SystemInfo out = BAILEY__GUEST__SYSTEM_INFO__INIT;
	Bailey__Guest__DiskInfo disk = BAILEY__GUEST__DISK_INFO__INIT, *disks = &disk;
	struct machine_system m;

	(void)ctx;
	(void)in;
	machine_system_now(&m);
	out.os_name = m.os_name;
	out.os_version = m.os_version;
	out.kernel_version = m.kernel;
	out.cpu_model = m.cpu;
	out.num_cpus = m.n_cpus;
	out.total_memory = m.memory.total;
	out.available_memory = m.memory.available;
	out.used_memory = m.memory.total - m.memory.available;
	out.free_memory = m.memory.free;
	out.total_swap = m.memory.swap_total;
	out.used_swap = m.memory.swap_total - m.memory.swap_free;
	out.free_swap = m.memory.swap_free;
	out.uptime = m.uptime;
	out.loadavg_one = m.loads[0];
	out.loadavg_five = m.loads[1];
	out.loadavg_fifteen = m.loads[2];
	disk.name = m.disk.name;
	disk.mount_point = m.disk.mount_point;
	disk.total_size = m.disk.total;
	disk.free_size = m.disk.free;
	out.n_disks = m.disk.total > 0;
	out.disks = &disks;
	rpc_reply(call, &out.base);
}

enum { GATEWAY_TEXT_MAX = 32 * 1024 };

/* The message and all that it points into. */
struct network_out {
	struct machine_network m;
	Bailey__Guest__NetworkInformation out;
	char *dns[MACHINE_SERVERS_MAX];
	Bailey__Guest__Gateway gateway[MACHINE_SERVERS_MAX], *gateways[MACHINE_SERVERS_MAX];
	Bailey__Guest__Interface interface[MACHINE_INTERFACES_MAX],
		*interfaces[MACHINE_INTERFACES_MAX];
	Bailey__Guest__IpAddress address[MACHINE_INTERFACES_MAX][MACHINE_ADDRESSES_MAX],
		*addresses[MACHINE_INTERFACES_MAX][MACHINE_ADDRESSES_MAX];
};

static void fill_interface(struct network_out *o, size_t i)
{
	Bailey__Guest__Interface *to = &o->interface[i];
	struct machine_interface *from = &o->m.interfaces[i];
	size_t k;

	bailey__guest__interface__init(to);
	to->name = from->counts.name;
	to->rx_bytes = from->counts.rx_bytes;
	to->tx_bytes = from->counts.tx_bytes;
	to->rx_errors = from->counts.rx_errors;
	to->tx_errors = from->counts.tx_errors;
	for (k = 0; k < from->n_addresses; k++) {
		bailey__guest__ip_address__init(&o->address[i][k]);
		o->address[i][k].address = from->addresses[k].text;
		o->address[i][k].prefix = from->addresses[k].prefix;
		o->addresses[i][k] = &o->address[i][k];
	}
	to->addresses = o->addresses[i];
	to->n_addresses = from->n_addresses;
	o->interfaces[i] = to;
}

static void run_network_info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	auto_free struct network_out *o = xnew(struct network_out);
	auto_buf struct buf tunnel = BUF_MAX(GATEWAY_TEXT_MAX);
	size_t i;

	(void)ctx;
	(void)in;
	machine_network_now(&o->m);
	bailey__guest__network_information__init(&o->out);
	for (i = 0; i < o->m.n_dns; i++)
		o->dns[i] = o->m.dns[i];
	for (i = 0; i < o->m.n_gateways; i++) {
		bailey__guest__gateway__init(&o->gateway[i]);
		o->gateway[i].address = o->m.gateways[i];
		o->gateways[i] = &o->gateway[i];
	}
	for (i = 0; i < o->m.n_interfaces; i++)
		fill_interface(o, i);
	o->out.dns_servers = o->dns;
	o->out.n_dns_servers = o->m.n_dns;
	o->out.gateways = o->gateways;
	o->out.n_gateways = o->m.n_gateways;
	o->out.interfaces = o->interfaces;
	o->out.n_interfaces = o->m.n_interfaces;
	/* how it stands with its gateway; an app without one has nothing there */
	if (gateway_status_text(GATEWAY_STATUS_DIR, &tunnel, NULL) == 0 && tunnel.n)
		o->out.wg_info = (char *)tunnel.p;
	rpc_reply(call, &o->out.base);
}

static void run_list_containers(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Guest__ListContainersResponse out = BAILEY__GUEST__LIST_CONTAINERS_RESPONSE__INIT;

	(void)ctx;
	(void)in;
	rpc_reply(call, &out.base); /* there is no container runtime in the image */
}

static void run_shutdown(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const struct guest_api *g = ctx;
	Bailey__Empty out = BAILEY__EMPTY__INIT;

	(void)in;
	rpc_reply(call, &out.base);
	g->shutdown(g->arg);
}

static const struct rpc_method methods[] = {
	{ "Info", &bailey__empty__descriptor, &bailey__guest__guest_info__descriptor, run_info,
	  false, 0 },
	{ "SysInfo", &bailey__empty__descriptor, &bailey__guest__system_info__descriptor,
	  run_sys_info, false, 0 },
	{ "NetworkInfo", &bailey__empty__descriptor,
	  &bailey__guest__network_information__descriptor, run_network_info, false, 0 },
	{ "ListContainers", &bailey__empty__descriptor,
	  &bailey__guest__list_containers_response__descriptor, run_list_containers, false, 0 },
	{ "Shutdown", &bailey__empty__descriptor, &bailey__empty__descriptor, run_shutdown, true,
	  0 },
};

const struct rpc_service guest_api_service = {
	.name = "GuestApi",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(methods[0]),
};
