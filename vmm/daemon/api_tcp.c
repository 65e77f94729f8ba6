/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_tcp.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "auth/role.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own_file.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/api_auth.h"
#include "daemon/api_origin.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum { PEM_MAX = 256 * 1024 };

/* What each connection knows of the address it came to. */
struct entrance {
	bool is_loopback;
};

static void known(struct http_request *r, const struct caller *who, void *arg)
{
	struct rpc_peer peer = { .kind = RPC_PEER_TOKEN, .uid = UINT32_MAX };

	peer.is_reader = who->role != ROLE_OPERATE;
	(void)str_copy(peer.name, sizeof(peer.name), who->name);
	api_route(arg, r, &peer);
}

static void on_request(struct http_request *r, void *arg)
{
	const struct rpc_peer anyone = { .kind = RPC_PEER_ANYONE, .uid = UINT32_MAX };
	const struct entrance *at = http_request_peer(r);
	struct daemon *d = arg;
	const char *why;

	if (!api_is_ours(d, r, at && at->is_loopback, &why))
		rpc_http_refuse(r, 403, why);
	else if (d->auth)
		api_auth_check(d->auth, r, known, d);
	else
		api_route(d, r, &anyone);
}

static size_t body_max_of(const struct http_request *r, void *arg)
{
	const struct daemon *d = arg;

	return !d->auth || api_auth_is_likely(d->auth, r) ? d->config->max_body : 0;
}

static void on_hup(uv_signal_t *h, int sig)
{
	struct daemon *d = h->data;

	(void)sig;
	if (d->auth)
		api_auth_refresh(d->auth, true);
}

/* Each call says anew who it is of; a stream would go on for whom there is no token any more. */
static void on_change(void *arg)
{
	const struct daemon *d = arg;

	if (d->api_tcp)
		http_server_drop_streams(d->api_tcp);
}

static int listen_on(struct daemon *d, const struct config_listen *l, struct err *e)
{
	const struct entrance at = { .is_loopback = l->is_loopback };
	const struct config_api *c = &d->config->api;
	int fd = listen_tcp(l->address, e);

	if (fd < 0)
		return fd;
	log_info("api: also on %s://%s", c->tls_cert ? "https" : "http", l->address);
	if (!d->auth) {
		log_warn("api: %s is open to every user and program of this host, as "
			 "api.insecure_loopback says",
			 l->address);
	} else if (!l->is_loopback && !c->tls_cert) {
		log_warn("api: %s takes tokens and passwords in plain text, as "
			 "api.insecure_plaintext says",
			 l->address);
	}
	return http_server_listen(d->api_tcp, fd, &at, sizeof(at), e);
}

/* @ret ends with a NUL: file_read() sees to that. */
static int start_server(struct daemon *d, struct err *e)
{
	const struct config_api *c = &d->config->api;
	auto_buf struct buf cert = BUF_MAX(PEM_MAX), key = BUF_MAX(PEM_MAX);
	struct http_server_options o = {
		.conns_max = TCP_CONNS,
		.ip_conns_max = TCP_IP_CONNS,
		.idle_s = TCP_IDLE_S,
		.body_max = d->config->max_body,
		.bodies_max = TCP_BODIES > d->config->max_body ? TCP_BODIES : d->config->max_body,
		.body_max_of = body_max_of,
		.headers = api_headers,
		.on_request = on_request,
		.arg = d,
	};
	int rc = 0;

	if (c->tls_cert) {
		rc = file_read(AT_FDCWD, c->tls_cert, PEM_MAX, &cert, e);
		if (!rc)
			rc = own_file_read(c->tls_key, PEM_MAX, &key, e);
		o.tls_cert = (const char *)cert.p;
		o.tls_key = (const char *)key.p;
	}
	if (!rc)
		rc = http_server_start(&d->api_tcp, d->loop, &o, e);
	if (key.n)
		explicit_bzero(key.p, key.n);
	return rc;
}

int api_tcp_start(struct daemon *d, struct err *e)
{
	const struct config_api *c = &d->config->api;
	size_t i;
	int rc = 0;

	/* also where there is nothing to read again: it must not end us */
	d->on_hup.data = d;
	(void)uv_signal_init(d->loop, &d->on_hup);
	(void)uv_signal_start(&d->on_hup, on_hup, SIGHUP);
	if (c->n_listen == 0)
		return 0;
	if (c->tokens_file || c->htpasswd_file)
		rc = api_auth_new(&d->auth, d->config, d->loop, e);
	if (!rc)
		rc = start_server(d, e);
	if (!rc && d->auth)
		api_auth_on_change(d->auth, on_change, d);
	for (i = 0; !rc && i < c->n_listen; i++)
		rc = listen_on(d, &c->listen[i], e);
	return rc;
}

void api_tcp_stop(struct daemon *d, void (*done)(void *arg), void *arg)
{
	struct http_server *s = d->api_tcp;

	if (d->on_hup.data) {
		d->on_hup.data = NULL;
		uv_close((uv_handle_t *)&d->on_hup, NULL);
	}
	api_auth_free(d->auth);
	d->auth = NULL;
	d->api_tcp = NULL;
	if (s)
		http_server_stop(s, done, arg);
	else
		done(arg);
}
