/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/guest_proxy.h"

#include "daemon/api.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/hostlink.h"
#include "daemon/vm.h"
#include "data/json.h"
#include "data/proto.h"
#include "host-api/guest_call.h"
#include "proto/guest.pb-c.h"
#include "store/manifest.h"

struct proxied {
	struct proxied *next;
	struct daemon *d;
	struct rpc_call *call;
	struct guest_call *guest;
	const ProtobufCMessageDescriptor *out;
	char id[VM_ID_MAX + 1];
};

static void unlink_call(struct proxied *p)
{
	struct proxied **at = &p->d->proxied;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

static void reply(const struct proxied *p, const char *json, size_t n)
{
	ProtobufCMessage *m = NULL;
	struct err e = ERR_NONE;
	json_t *j = NULL;
	int rc = json_parse(json, n, GUEST_CALL_REPLY_MAX, "the guest's answer", &j, &e);

	if (!rc)
		rc = proto_from_json(p->out, j, &m, &e);
	json_decref(j);
	if (rc) {
		rpc_fail(p->call, &e);
		return;
	}
	rpc_reply(p->call, m);
	protobuf_c_message_free_unpacked(m, NULL);
}

static void answered(void *arg, const char *json, size_t n, const struct err *e)
{
	static const Bailey__Empty empty = BAILEY__EMPTY__INIT;
	struct proxied *p = arg;

	p->guest = NULL;
	unlink_call(p);
	if (!json)
		rpc_fail(p->call, e);
	else if (p->out == &bailey__empty__descriptor)
		rpc_reply(p->call, &empty.base);
	else
		reply(p, json, n);
	free(p);
}

static unsigned int n_calls(const struct daemon *d, const char *id)
{
	const struct proxied *p;
	unsigned int n = 0;

	for (p = d->proxied; p; p = p->next)
		n += str_equal(p->id, id);
	return n;
}

static int check(const struct daemon *d, const char *id, const struct vm **ret, struct err *e)
{
	const struct vm *vm = vm_id_is_valid(id) ? fleet_find(&d->fleet, id) : NULL;

	if (!vm_id_is_valid(id))
		return err_set(e, ERR_INPUT, VM_ID_INVALID);
	if (!vm)
		return err_set(e, ERR_NOT_FOUND, "vm not found: %s; Status lists them", id);
	if (!vm->is_running)
		return err_set(e, ERR_BAD_STATE, "vm is not running: %s; StartVm starts it", id);
	if (d->is_stopping)
		return err_set(e, ERR_BAD_STATE, "the daemon is ending");
	if (n_calls(d, id) >= GUEST_PROXY_CALLS_MAX)
		return err_set(e, ERR_LIMIT, "%d calls of this guest are under way; try again",
			       GUEST_PROXY_CALLS_MAX);
	*ret = vm;
	return 0;
}

static const ProtobufCMessageDescriptor *reply_of(const char *method)
{
	size_t i;

	for (i = 0; i < guest_proxy_service.n_methods; i++) {
		if (str_equal(guest_proxy_service.methods[i].name, method))
			return guest_proxy_service.methods[i].out;
	}
	return &bailey__empty__descriptor;
}

void guest_proxy_call(struct rpc_call *call, struct daemon *d, const Bailey__Id *id,
		      const char *method)
{
	struct guest_call_options o = { .loop = d->loop,
					.client = d->http,
					.method = method,
					.timeout_ms = d->config->guest_timeout_ms };
	struct carrier_address address;
	const struct vm *vm = NULL;
	struct err e = ERR_NONE;
	struct proxied *p;

	if (check(d, id->id, &vm, &e)) {
		rpc_fail(call, &e);
		return;
	}
	hostlink_address(vm, &address);
	o.address = &address;
	p = xnew(struct proxied);
	p->d = d;
	p->call = call;
	p->out = reply_of(method);
	(void)str_copy(p->id, sizeof(p->id), id->id);
	p->next = d->proxied;
	d->proxied = p;
	if (guest_call_start(&p->guest, &o, answered, p, &e)) {
		unlink_call(p);
		free(p);
		rpc_fail(call, &e);
	}
}

void guest_proxy_stop(struct daemon *d)
{
	struct err e = ERR_NONE;
	struct proxied *p;

	(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
	while ((p = d->proxied) != NULL) {
		d->proxied = p->next;
		guest_call_cancel(p->guest);
		rpc_fail(p->call, &e);
		free(p);
	}
}

#define PROXY(method)                                                                              \
	static void proxy_##method(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)   \
	{                                                                                          \
		guest_proxy_call(call, ctx, (const Bailey__Id *)in, #method);                      \
	}
PROXY(Info)
PROXY(SysInfo)
PROXY(NetworkInfo)
PROXY(ListContainers)
PROXY(Shutdown)

#define ID (&bailey__id__descriptor)

static const struct rpc_method methods[] = {
	{ .name = "Info",
	  .in = ID,
	  .out = &bailey__guest__guest_info__descriptor,
	  .run = proxy_Info },
	{ .name = "SysInfo",
	  .in = ID,
	  .out = &bailey__guest__system_info__descriptor,
	  .run = proxy_SysInfo },
	{ .name = "NetworkInfo",
	  .in = ID,
	  .out = &bailey__guest__network_information__descriptor,
	  .run = proxy_NetworkInfo },
	{ .name = "ListContainers",
	  .in = ID,
	  .out = &bailey__guest__list_containers_response__descriptor,
	  .run = proxy_ListContainers },
	{ .name = "Shutdown",
	  .in = ID,
	  .out = &bailey__empty__descriptor,
	  .run = proxy_Shutdown,
	  .changes = true },
};

const struct rpc_service guest_proxy_service = {
	.name = "ProxiedGuestApi",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
	.observe = api_observe,
};
