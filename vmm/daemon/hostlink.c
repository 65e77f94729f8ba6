/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/hostlink.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/lifecycle.h"
#include "daemon/notices.h"
#include "daemon/vm.h"
#include "daemon/vsock_process.h"
#include "daemon/vsock_watch.h"
#include "host-api/carrier.h"
#include "host-api/hostapi.h"
#include "host-api/key_provider.h"

enum { KEY_PROVIDER_MS = 30 * 1000 };

static int on_notify(void *ctx, const char *vm_id, uint64_t generation, const char *event,
		     const char *payload)
{
	const struct daemon *d = ctx;
	struct vm *vm = fleet_find(&d->fleet, vm_id);

	if (!vm || !vm->is_running)
		return ERR_NOT_FOUND;
	notice_take(vm, generation, event, payload);
	return 0;
}

static void on_call(void *ctx, const char *vm_id)
{
	const struct daemon *d = ctx;
	struct vm *vm = fleet_find(&d->fleet, vm_id);

	if (vm)
		vm->n_guest_calls++;
}

/* A CID is of a VM only while it runs: later it may be another's. */
static bool find_cid(void *ctx, uint32_t cid, struct carrier_peer *ret)
{
	const struct daemon *d = ctx;
	const struct vm *vm = fleet_find_cid(&d->fleet, cid);

	if (!vm)
		return false;
	(void)str_copy(ret->vm_id, sizeof(ret->vm_id), vm->manifest.id);
	ret->generation = vm->state.generation;
	return true;
}

static int start_key_provider(struct daemon *d, struct err *e)
{
	if (!d->config->key_provider_enabled)
		return 0;
	return key_provider_start(&d->key_provider, d->loop, d->config->key_provider_address,
				  KEY_PROVIDER_MS, e);
}

int hostlink_start(struct daemon *d, struct err *e)
{
	struct hostapi_options o = {
		.on_notify = on_notify,
		.on_call = on_call,
		.find_cid = find_cid,
		.ctx = d,
		.conns_max = d->config->host_api_conns,
		.rate_per_s = d->config->host_api_rate,
		.burst = d->config->host_api_burst,
	};
	int rc = start_key_provider(d, e), fd;

	if (rc)
		return rc;
	o.key_provider = d->key_provider;
	rc = hostapi_start(&d->host_api, d->loop, &o, e);
	if (rc || d->vsock != DOMAIN_VSOCK_KERNEL)
		return rc;
	fd = carrier_listen_kernel(CARRIER_HOST_PORT, e);
	if (fd == -EADDRINUSE) {
		return err_set(e, ERR_CONFLICT,
			       "vsock port %d of this host is another's, as of a baileyd with the "
			       "same carrier; set vsock.carrier: bailey-vsock for one of them",
			       CARRIER_HOST_PORT);
	}
	return fd < 0 ? fd : hostapi_listen_kernel(d->host_api, fd, e);
}

struct ending {
	struct daemon *d;
	void (*done)(void *arg);
	void *arg;
};

static void key_provider_gone(void *arg)
{
	struct ending *x = arg;

	x->done(x->arg);
	free(x);
}

static void host_api_gone(void *arg)
{
	struct ending *x = arg;
	struct key_provider *k = x->d->key_provider;

	x->d->host_api = NULL;
	x->d->key_provider = NULL;
	if (k)
		key_provider_stop(k, key_provider_gone, x);
	else
		key_provider_gone(x);
}

void hostlink_stop(struct daemon *d, void (*done)(void *arg), void *arg)
{
	struct ending *x = xnew(struct ending);

	x->d = d;
	x->done = done;
	x->arg = arg;
	if (d->host_api)
		hostapi_stop(d->host_api, host_api_gone, x);
	else
		host_api_gone(x);
}

static void carrier_ended(void *arg)
{
	struct vm *vm = arg;

	/* The next life of the daemon finds it so; a removal ends it anyway. */
	if (!vm->d->is_stopping && !vm->is_removing)
		vm_sever(vm);
}

/* The process was started before; one that is dead by now is as one that dies later. */
static int watch_carrier(struct vm *vm, const struct vsock_paths *p, struct err *e)
{
	int rc = vsock_watch_start(&vm->carrier, vm->d->loop, p, carrier_ended, vm, e);

	if (rc != ERR_NOT_FOUND)
		return rc;
	carrier_ended(vm);
	return 0;
}

int hostlink_open(struct vm *vm, struct err *e)
{
	struct carrier_peer peer = { .generation = vm->state.generation };
	struct daemon *d = vm->d;
	struct vsock_paths p;
	int fd, rc;

	if (d->vsock != DOMAIN_VSOCK_VHOST_USER)
		return 0;
	rc = vsock_paths(d->config->run, vm->short_id, &p, e);
	if (rc)
		return rc;
	(void)str_copy(peer.vm_id, sizeof(peer.vm_id), vm->manifest.id);
	/* Only the carrier connects, and it runs as we do. */
	inject_point("hostlink.listen");
	fd = carrier_listen_unix(p.uds, CARRIER_HOST_PORT, 0600, e);
	inject_point("hostlink.listening");
	rc = fd < 0 ? fd : hostapi_guest_start(&vm->host_api, d->host_api, &peer, fd, e);
	return rc || !d->vsock_program ? rc : watch_carrier(vm, &p, e);
}

void hostlink_close(struct vm *vm)
{
	if (vm->host_api)
		hostapi_guest_stop(vm->host_api, NULL, NULL);
	vm->host_api = NULL;
	vsock_watch_stop(vm->carrier);
	vm->carrier = NULL;
}

void hostlink_check(struct vm *vm)
{
	struct vsock_paths p;
	int fd;

	if (!vm->carrier || vsock_paths(vm->d->config->run, vm->short_id, &p, NULL))
		return;
	fd = vsock_process_open(&p, NULL);
	if (fd == ERR_NOT_FOUND)
		carrier_ended(vm);
	(void)fd_close(fd);
}

void hostlink_address(const struct vm *vm, struct carrier_address *ret)
{
	struct vsock_paths p;

	*ret = (struct carrier_address){ .cid = vm->state.cid };
	if (vm->d->vsock != DOMAIN_VSOCK_VHOST_USER ||
	    vsock_paths(vm->d->config->run, vm->short_id, &p, NULL))
		return;
	(void)str_copy(ret->uds, sizeof(ret->uds), p.uds);
}
