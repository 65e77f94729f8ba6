/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin_rpc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/admin.h"
#include "gateway/admin_calls.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/metrics.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "loop/tls_front.h"
#include "loop/token.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum { IDLE_S = 30, FROM_TEXT = 64 };

static const char pages[] = "pages: /metrics /routes /healthz /readyz, calls: /prpc/Admin.NAME\n";

static const struct http_header headers[] = {
	{ "Server", "bailey-gateway" },
	{ "Cache-Control", "no-store" },
	{ "X-Content-Type-Options", "nosniff" },
	{ NULL, NULL },
};

int admin_rpc_open(struct admin_rpc *a, const struct gw_config *c, struct err *e)
{
	int rc;

	*a = (struct admin_rpc){ .n_refused = 0 };
	rc = token_take_environment("ADMIN_API_TOKEN", &a->token, e);
	if (!c->admin_rpc.listen)
		return 0; /* whatever it was, it is for nobody */
	if (rc == 0 && c->admin_rpc.token_file) {
		secret_str_free(a->token);
		a->token = NULL;
		rc = token_read(c->admin_rpc.token_file, &a->token, e);
	}
	if (rc == 0 && !a->token)
		rc = err_set(e, ERR_INPUT,
			     "admin_rpc needs a token: name its file as token_file, or have "
			     "ADMIN_API_TOKEN in the environment");
	return rc;
}

static const char *from_text(const struct sockaddr *from, char *room, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	if (from->sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &v4->sin_addr, address, sizeof(address));
		(void)str_format(room, size, "%s:%u", address, ntohs(v4->sin_port));
	} else if (from->sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, address, sizeof(address));
		(void)str_format(room, size, "[%s]:%u", address, ntohs(v6->sin6_port));
	} else {
		(void)str_copy(room, size, address);
	}
	return room;
}

/* Who has the token is never held up by those who have not. */
static void refuse(struct admin_rpc *a, struct http_request *r, const struct sockaddr *from,
		   const char *from_said)
{
	uint64_t now = time_mono_ms();

	a->n_refused++;
	if (rate_take(&a->log_rate, now))
		log_warn("audit: a caller at %s has no right token (%llu so far were refused)",
			 from_said, (unsigned long long)a->n_refused);
	if (rate_table_take(&a->tries, from, now))
		rpc_http_refuse(r, 401, "this needs the admin token");
	else
		rpc_http_refuse(r, 429, "too many requests without the admin token");
}

static void on_request(struct http_request *r, void *arg)
{
	struct admin_rpc *a = arg;
	const struct tls_peer *peer = a->front ? http_request_peer(r) : NULL;
	const struct sockaddr *from = peer ? (const void *)&peer->from : http_request_from(r);
	const struct rpc_peer who = { .kind = RPC_PEER_TOKEN, .name = "admin" };
	char said[FROM_TEXT];
	struct admin_call call = { a, from_text(from, said, sizeof(said)) };

	if (!token_is_shown(r, a->token)) {
		refuse(a, r, from, said);
		return;
	}
	if (admin_page(a->gateway, r) ||
	    rpc_http_handle(&admin_service, &call, "/prpc/", r, &who) ||
	    rpc_http_handle(&admin_service, &call, "/", r, &who))
		return;
	http_reply(r, 404, "text/plain", pages, sizeof(pages) - 1, NULL);
}

static void on_client(int fd, const struct tls_peer *p, void *arg)
{
	struct admin_rpc *a = arg;

	/* what it says went wrong is only that there are too many */
	(void)http_server_add(a->http, fd, p, tls_peer_size(p), NULL);
}

static int open_service(struct admin_rpc *a, const struct gw_identity *i, struct err *e)
{
	const struct tls_front_options o = { .chain = i->chain,
					     .key = i->key,
					     .conns_max = ADMIN_RPC_CONNS,
					     .ip_conns_max = ADMIN_RPC_IP_CONNS,
					     .on_client = on_client,
					     .arg = a };
	struct tls_front *front = NULL;
	int fd, rc = tls_front_start(&front, a->gateway->loop, &o, e);

	if (rc)
		return rc;
	fd = listen_tcp(a->gateway->config->admin_rpc.listen, e);
	rc = fd < 0 ? fd : tls_front_listen(front, fd, e);
	if (rc) {
		tls_front_stop(front, NULL, NULL);
		return rc;
	}
	a->front = front;
	return 0;
}

/* The first identity opens the service, each later one takes its place. */
static int on_identity(const struct gw_identity *i, void *arg, struct err *e)
{
	struct admin_rpc *a = arg;

	if (a->front)
		return tls_front_swap(a->front, i->chain, i->key, NULL, e);
	return open_service(a, i, e);
}

/* What would not open with the identity that came: the port was another's. */
static void on_look(uv_timer_t *t)
{
	struct admin_rpc *a = t->data;
	const struct gw_identity *i = identity_get(a->gateway->identity);
	struct err e = ERR_NONE;

	if (a->front || !i)
		return;
	if (open_service(a, i, &e) == 0) {
		log_info("gateway: operators can come to %s now",
			 a->gateway->config->admin_rpc.listen);
	} else if (!a->has_said) {
		log_error("gateway: administration is not open, which is tried again: %s", e.text);
	}
	a->has_said = !a->front;
}

static void stop(void *arg)
{
	struct admin_rpc *a = arg;

	if (a->has_timer)
		uv_close((uv_handle_t *)&a->look, NULL);
	a->has_timer = false;
	tls_front_stop(a->front, NULL, NULL);
	http_server_stop(a->http, NULL, NULL);
	a->front = NULL;
	a->http = NULL;
}

static int serve(struct admin_rpc *a, uv_loop_t *loop, struct err *e)
{
	const struct gw_admin_rpc *c = &a->gateway->config->admin_rpc;
	const struct http_server_options h = { .conns_max = ADMIN_RPC_CONNS,
					       .idle_s = IDLE_S,
					       .body_max = ADMIN_RPC_BODY_MAX,
					       .headers = headers,
					       .on_request = on_request,
					       .arg = a };
	int fd, rc = http_server_start(&a->http, loop, &h, e);

	if (rc)
		return rc;
	if (!c->is_plain && !a->gateway->identity)
		return err_set(e, ERR_INPUT,
			       "admin_rpc has no certificate: registration has one, or "
			       "admin_rpc.tls is false");
	if (!c->is_plain) {
		(void)uv_timer_init(loop, &a->look);
		a->look.data = a;
		a->has_timer = true;
		(void)uv_timer_start(&a->look, on_look, ADMIN_RPC_LOOK_MS, ADMIN_RPC_LOOK_MS);
		return identity_subscribe(a->gateway->identity, on_identity, a, e);
	}
	fd = listen_tcp(c->listen, e);
	return fd < 0 ? fd : http_server_listen(a->http, fd, NULL, 0, e);
}

/* A token can be another; that of the environment cannot. */
static int on_reload(const struct gw_config *c, void *arg, struct err *e)
{
	struct admin_rpc *a = arg;
	char *token = NULL;
	int rc = c->admin_rpc.token_file ? token_read(c->admin_rpc.token_file, &token, e) : 0;

	if (rc || !token)
		return rc;
	secret_str_free(a->token);
	a->token = token;
	return 0;
}

static void add_metrics(struct buf *b, void *arg)
{
	const struct admin_rpc *a = arg;

	metrics_one(b, "bailey_gateway_admin_refused", "counter",
		    "Operators' requests without the right token.", a->n_refused);
	metrics_one(b, "bailey_gateway_admin_changes", "counter",
		    "Operators' calls that change something, whatever came of them.", a->n_changes);
}

int admin_rpc_start(struct admin_rpc *a, struct gateway *g, struct register_server *s,
		    uv_loop_t *loop, struct err *e)
{
	uint64_t seed = 0;
	int rc;

	if (!g->config->admin_rpc.listen)
		return 0;
	a->gateway = g;
	a->registration = s;
	secret_random(&seed, sizeof(seed));
	rate_table_init(&a->tries, ADMIN_RPC_TRIES, ADMIN_RPC_TRIES, seed);
	rate_init(&a->log_rate, 1, 1, time_mono_ms());
	gateway_on_end(g, stop, a);
	gateway_add_metrics(g, add_metrics, a);
	gateway_on_reload(g, on_reload, a);
	rc = serve(a, loop, e);
	if (!rc)
		log_info("gateway: operators come to %s", g->config->admin_rpc.listen);
	return rc;
}

void admin_rpc_close(struct admin_rpc *a)
{
	secret_str_free(a->token);
	a->token = NULL;
}
