/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  Each guest has an HTTP server of its own; its limits are the guest's.  On a unix
 * carrier it listens on the VM's own socket.  With the kernel's vsock one listener serves all: what it
 * accepts goes to the server of its CID, made when the CID first comes and dropped when it was quiet.
 *
 * Lifetime: a guest lives until its server is gone; the host API until its handles are closed and it has
 * no guests.
 */
#include "host-api/hostapi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "host-api/service.h"
#include "loop/http_server.h"
#include "loop/rate.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum {
	QUIET_MS = 60 * 1000,
	ACCEPTS_AT_ONCE = 8,
};

static const char mount[] = "/api/";
static const char sealing_path[] = "/api/GetSealingKey";

struct hostapi {
	uv_loop_t *loop;
	struct hostapi_options o;
	uv_timer_t quiet;
	uv_poll_t kernel;
	int kernel_fd;
	unsigned int n_handles, n_guests;
	bool is_stopping;
	LIST_HEAD(, hostapi_guest) guests;
	void (*done)(void *arg);
	void *done_arg;
};

struct hostapi_guest {
	LIST_ENTRY(hostapi_guest) link;
	struct hostapi *api;
	struct http_server *server;
	struct service_guest service;
	struct rate sealings;
	uint32_t cid; /* kernel carrier, else 0 */
	bool is_stopping;
	void (*done)(void *arg);
	void *done_arg;
};

static void release(struct hostapi *h)
{
	void (*done)(void *arg) = h->done;
	void *arg = h->done_arg;

	if (h->n_handles > 0 || !LIST_EMPTY(&h->guests))
		return;
	(void)fd_close(h->kernel_fd);
	free(h);
	if (done)
		done(arg);
}

/* ---- requests ---- */

static void answer(void *arg, int status, const char *content_type, const void *body, size_t n)
{
	http_reply(arg, status, content_type, body, n, NULL);
}

static bool is_sealing(const struct http_request *r)
{
	return str_equal(http_request_path(r), sealing_path);
}

/* A guest needs its key once in a boot, and no other call is as dear. */
static bool refuses_sealing(struct hostapi_guest *g, const char **ret_why)
{
	if (g->service.sealing)
		*ret_why = "another GetSealingKey of this VM is under way";
	else if (!rate_take(&g->sealings, time_mono_ms()))
		*ret_why = "GetSealingKey is asked too often, try again";
	else
		return false;
	return true;
}

static void on_request(struct http_request *r, void *arg)
{
	struct hostapi_guest *g = arg;
	const char *why = NULL;
	const struct carrier_peer *from = http_request_peer(r);
	struct rpc_peer peer = { .kind = RPC_PEER_GUEST, .uid = UINT32_MAX };
	struct rpc_request q = { .query = http_request_query(r),
				 .content_type = http_request_header(r, "Content-Type") };

	peer.generation = from->generation;
	memcpy(peer.vm_id, from->vm_id, sizeof(peer.vm_id));
	if (g->api->o.on_call)
		g->api->o.on_call(g->api->o.ctx, peer.vm_id);
	(void)http_request_body(r, &q.n_body);
	if (is_sealing(r) && refuses_sealing(g, &why))
		rpc_refuse(&q, why, answer, r); /* before it is read */
	else if (is_sealing(r) && q.n_body > HOSTAPI_BODY_MAX && rpc_encoding_of(&q) == RPC_JSON)
		service_seal_large(&g->service, r);
	else if (!rpc_http_handle(&service_host_api, &g->service, mount, r, &peer))
		http_reply(r, 404, "text/plain", "Not Found\n", strlen("Not Found\n"), NULL);
}

/* A body that will be refused need not be held. */
static size_t body_max_of(const struct http_request *r, void *arg)
{
	struct hostapi_guest *g = arg;

	return is_sealing(r) && g->service.key_provider && !g->service.sealing &&
			       rate_wait_ms(&g->sealings, time_mono_ms()) == 0
		       ? HOSTAPI_QUOTE_BODY_MAX
		       : HOSTAPI_BODY_MAX;
}

/* ---- guests ---- */

static struct hostapi_guest *guest_new(struct hostapi *h, uint32_t cid, struct err *e)
{
	struct http_server_options o = {
		.conns_max = h->o.conns_max ? h->o.conns_max : HOSTAPI_CONNS_MAX,
		.idle_s = HOSTAPI_IDLE_S,
		.body_max = HOSTAPI_QUOTE_BODY_MAX,
		.bodies_max = HOSTAPI_BODIES_MAX,
		.rate_per_s = h->o.rate_per_s ? h->o.rate_per_s : HOSTAPI_RATE,
		.burst = h->o.burst ? h->o.burst : HOSTAPI_BURST,
		.share_percent = HOSTAPI_SHARE,
		.body_max_of = body_max_of,
		.on_request = on_request,
	};
	struct hostapi_guest *g;

	if (h->is_stopping || h->n_guests >= HOSTAPI_GUESTS_MAX) {
		(void)err_set(e, ERR_LIMIT, "the host API serves %u guests already", h->n_guests);
		return NULL;
	}
	g = xnew(struct hostapi_guest);
	g->api = h;
	g->cid = cid;
	g->service.on_notify = h->o.on_notify;
	g->service.ctx = h->o.ctx;
	g->service.key_provider = h->o.key_provider;
	rate_init(&g->sealings, HOSTAPI_SEALINGS, HOSTAPI_SEALINGS_BURST, time_mono_ms());
	o.arg = g;
	if (http_server_start(&g->server, h->loop, &o, e) < 0) {
		free(g);
		return NULL;
	}
	LIST_INSERT_HEAD(&h->guests, g, link);
	h->n_guests++;
	return g;
}

static void on_guest_stopped(void *arg)
{
	struct hostapi_guest *g = arg;
	struct hostapi *h = g->api;
	void (*done)(void *arg) = g->done;
	void *done_arg = g->done_arg;

	service_guest_forget(&g->service);
	LIST_REMOVE(g, link);
	h->n_guests--;
	free(g);
	if (done)
		done(done_arg);
	release(h);
}

void hostapi_guest_stop(struct hostapi_guest *g, void (*done)(void *arg), void *arg)
{
	if (!g || g->is_stopping)
		return;
	g->is_stopping = true;
	g->done = done;
	g->done_arg = arg;
	http_server_stop(g->server, on_guest_stopped, g);
}

int hostapi_guest_start(struct hostapi_guest **ret, struct hostapi *h,
			const struct carrier_peer *peer, int fd, struct err *e)
{
	struct err why = ERR_NONE;
	struct hostapi_guest *g = guest_new(h, 0, &why);
	int rc;

	if (!g) {
		(void)fd_close(fd);
		return err_set(e, why.code, "%s", why.text);
	}
	rc = http_server_listen(g->server, fd, peer, sizeof(*peer), e);
	if (rc < 0) {
		hostapi_guest_stop(g, NULL, NULL);
		return rc;
	}
	*ret = g;
	return 0;
}

/* ---- the kernel's vsock ---- */

static struct hostapi_guest *guest_of_cid(struct hostapi *h, uint32_t cid, struct err *e)
{
	struct hostapi_guest *g;

	LIST_FOREACH(g, &h->guests, link) {
		if (g->cid == cid && !g->is_stopping)
			return g;
	}
	return guest_new(h, cid, e);
}

int hostapi_add(struct hostapi *h, int fd, uint32_t cid, struct err *e)
{
	struct carrier_peer peer = { .vm_id = "" };
	struct err why = ERR_NONE;
	struct hostapi_guest *g = NULL;

	if (cid <= CARRIER_HOST_CID)
		(void)err_set(&why, ERR_PROTO, "CID %u is not a guest's", cid);
	else
		g = guest_of_cid(h, cid, &why);
	if (!g) {
		(void)fd_close(fd);
		return err_set(e, why.code, "%s", why.text);
	}
	if (!h->o.find_cid || !h->o.find_cid(h->o.ctx, cid, &peer))
		peer = (struct carrier_peer){ .vm_id = "" };
	return http_server_add(g->server, fd, &peer, sizeof(peer), e);
}

/* Accepted even to be refused: one backlog serves all, so nobody may clog it. */
static void on_kernel(uv_poll_t *p, int status, int events)
{
	struct hostapi *h = p->data;
	struct sockaddr_vm vm;
	socklen_t n;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_AT_ONCE; i++) {
		n = sizeof(vm);
		memset(&vm, 0, sizeof(vm));
		fd = accept4(h->kernel_fd, (struct sockaddr *)&vm, &n,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (vm.svm_family == AF_VSOCK)
			(void)hostapi_add(h, fd, vm.svm_cid, NULL);
		else
			(void)fd_close(fd);
	}
}

/* Servers of CIDs that have no connection: they are made again when needed. */
static void on_quiet(uv_timer_t *t)
{
	struct hostapi *h = t->data;
	struct hostapi_guest *g;

	LIST_FOREACH(g, &h->guests, link) {
		if (g->cid && http_server_n_conns(g->server) == 0)
			hostapi_guest_stop(g, NULL, NULL);
	}
}

int hostapi_listen_kernel(struct hostapi *h, int fd, struct err *e)
{
	int rc = uv_poll_init(h->loop, &h->kernel, fd);

	if (rc < 0) {
		(void)fd_close(fd);
		return err_set(e, rc, "watching a listener: %s", uv_strerror(rc));
	}
	h->kernel.data = h;
	h->kernel_fd = fd;
	h->n_handles++;
	return uv_poll_start(&h->kernel, UV_READABLE, on_kernel);
}

/* ---- begin and end ---- */

int hostapi_start(struct hostapi **ret, uv_loop_t *loop, const struct hostapi_options *o,
		  struct err *e)
{
	struct hostapi *h = xnew(struct hostapi);

	(void)e;
	h->loop = loop;
	h->o = *o;
	h->kernel_fd = -1;
	LIST_INIT(&h->guests);
	(void)uv_timer_init(loop, &h->quiet);
	h->quiet.data = h;
	h->n_handles = 1;
	(void)uv_timer_start(&h->quiet, on_quiet, QUIET_MS, QUIET_MS);
	*ret = h;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct hostapi *h = handle->data;

	h->n_handles--;
	release(h);
}

void hostapi_stop(struct hostapi *h, void (*done)(void *arg), void *arg)
{
	struct hostapi_guest *g;

	if (!h || h->is_stopping)
		return;
	h->is_stopping = true;
	h->done = done;
	h->done_arg = arg;
	uv_close((uv_handle_t *)&h->quiet, on_closed);
	if (h->kernel_fd >= 0)
		uv_close((uv_handle_t *)&h->kernel, on_closed);
	LIST_FOREACH(g, &h->guests, link)
		hostapi_guest_stop(g, NULL, NULL);
}
