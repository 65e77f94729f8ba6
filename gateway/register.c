/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/register.h"

#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "crypto/digest.h"
#include "gateway/register_attested.h"
#include "gateway/gateway.h"
#include "gateway/identity.h"
#include "gateway/policy_fetch.h"
#include "gateway/register_rpc.h"
#include "gateway/registry.h"
#include "gateway/routes.h"
#include "gateway/tunnels.h"
#include "gateway/wg_key.h"
#include "gateway/world.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "loop/tls_front.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum { IDLE_S = 10 };

static const struct http_header headers[] = {
	{ "Server", "bailey-gateway" },
	{ "X-App-Version", "v" DSTACK_VERSION " (bailey " BAILEY_VERSION ")" },
	{ "Cache-Control", "no-store" },
	{ NULL, NULL },
};

static int add_routes(struct routes_builder *b, void *arg, struct err *e)
{
	const struct register_server *s = arg;

	return registry_add_routes(s->registry, b, e);
}

static int open_registry(struct register_server *s, struct err *e)
{
	const struct gw_registration *c = &s->config->registration;
	struct registry_options o = { .first = c->first,
				      .last = c->last,
				      .own = c->own,
				      .most = c->most,
				      .most_per_app = c->most_per_app };
	auto_buf struct buf text = BUF_MAX(2 * WG_KEY_TEXT);
	struct digest256 h;
	size_t dropped = 0;
	int rc = wg_key_public(c->private_key, o.own_key, e);

	if (!rc)
		rc = base64_encode(&text, o.own_key, WG_KEY);
	if (rc)
		return rc;
	(void)str_copy(s->public_key, sizeof(s->public_key), (const char *)text.p);
	h = digest256_bytes(o.own_key, WG_KEY);
	memcpy(s->uuid, h.b, sizeof(s->uuid));
	s->registry = registry_new(&o);
	rc = registry_file_open(&s->file, c->state, s->registry, &dropped, e);
	if (rc == 0 && dropped) {
		log_warn("gateway: %zu instances do not fit the configuration any more, and have "
			 "to register again",
			 dropped);
	}
	return rc;
}

static int on_reload(const struct gw_config *c, void *arg, struct err *e)
{
	struct register_server *s = arg;

	(void)e;
	if (c->registration.ip_rate != s->config->registration.ip_rate)
		rate_table_init(&s->rates, c->registration.ip_rate, c->registration.ip_rate,
				s->rates.key);
	s->config = c;
	return 0;
}

int register_open(struct register_server *s, struct gateway *g, const struct gw_config *c,
		  struct err *e)
{
	int rc;

	*s = (struct register_server){ .gateway = g, .config = c, .file = REGISTRY_FILE_NULL };
	if (!c->registration.listen)
		return 0;
	rc = register_attested_new(&c->registration, &s->attested, e);
	if (!rc)
		rc = open_registry(s, e);
	if (rc)
		return rc;
	/* clients come before peers are set: who was there may still be */
	registry_assume_tunnels(s->registry, time_mono_ms());
	gateway_add_source(g, add_routes, s);
	gateway_add_metrics(g, register_metrics, s);
	gateway_on_reload(g, on_reload, s);
	return 0;
}

static void on_made(const struct wg_change *c, void *arg)
{
	struct register_server *s = arg;

	if (c->is_removal)
		return;
	registry_set_tunnel(s->registry, c->id, c->key, uv_now(s->loop));
	tunnels_hurry(s->tunnels);
	s->is_dirty = true;
}

static void on_handshake(const uint8_t key[WG_KEY], uint64_t seconds, void *arg)
{
	const struct register_server *s = arg;

	registry_set_handshake(s->registry, key, seconds, uv_now(s->loop));
}

/* Only what was seen is held against anybody: while wg(8) says nothing, nobody becomes silent. */
static void on_handshakes(void *arg)
{
	struct register_server *s = arg;
	size_t n;

	if (!registry_judge(s->registry, uv_now(s->loop), s->config->registration.silence_ms, &n))
		return;
	s->is_dirty = true;
	log_info("gateway: %zu of %zu tunnels are silent", n, registry_count(s->registry));
}

static int set_peer(struct register_server *s, const struct registry_instance *in, bool is_removal,
		    struct err *e)
{
	struct wg_change c = { .address = in->address, .is_removal = is_removal };

	(void)str_copy(c.id, sizeof(c.id), in->id);
	memcpy(c.key, in->key, WG_KEY);
	return wg_add(s->wg, &c, e);
}

static void add_all_peers(void *arg)
{
	struct register_server *s = arg;
	size_t i;

	for (i = 0; i < registry_count(s->registry); i++)
		(void)set_peer(s, registry_at(s->registry, i), false,
			       NULL); /* fewer than may wait */
}

int register_make(struct register_server *s, const struct registry_instance *in, struct err *e)
{
	const struct registry_instance *old = registry_find(s->registry, in->id);
	struct registry_instance before;
	bool has_other_key = old && memcmp(old->key, in->key, REGISTRY_KEY) != 0;
	int rc;

	if (old)
		before = *old;
	if (s->is_stale && !(old && route_policy_is_same(&old->policy, &in->policy)))
		return err_set(e, ERR_LIMIT,
			       "the gateway cannot bring clients to what is new; try again later");
	if (wg_n_waiting(s->wg) > WG_WAITING_MAX / 2)
		return err_set(e, ERR_LIMIT, "too many registrations wait for WireGuard");
	rc = registry_file_put(&s->file, in, e);
	if (!rc)
		rc = registry_put(s->registry, in, e);
	if (rc)
		return rc;
	s->is_dirty = true;
	if (has_other_key)
		(void)set_peer(s, &before, true, NULL); /* there is room for both */
	if (!old || has_other_key)
		(void)set_peer(s, in, false, NULL);
	return 0;
}

static void on_policy(const struct registry_instance *in, void *arg)
{
	struct err e = ERR_NONE;

	if (register_make(arg, in, &e) < 0)
		log_error("gateway: instance %s: its port policy is lost: %s", in->id, e.text);
}

/* Who has not come again for long: one a look if the file fails, else all. */
static void forget(struct register_server *s, struct err *e)
{
	uint64_t now = uv_now(s->loop);
	size_t i = 0, n = 0;

	while (i < registry_count(s->registry)) {
		const struct registry_instance *at = registry_at(s->registry, i);
		struct registry_instance in;

		if (now - at->seen_ms < s->config->registration.forget_ms) {
			i++;
			continue;
		}
		in = *at;
		if (registry_file_gone(&s->file, in.id, e) < 0)
			return;
		registry_forget(s->registry, in.id);
		(void)set_peer(s, &in, true, NULL);
		s->is_dirty = true;
		n++;
	}
	if (n)
		log_info("gateway: recycled %zu stale instances", n);
}

static void forget_all(struct register_server *s, struct err *e)
{
	forget(s, e);
	register_forget_overrides(s, e);
}

static void say(struct register_server *s, const struct err *e)
{
	if (e->text[0] && !s->has_said)
		log_error("gateway: registration: %s", e->text);
	s->has_said = e->text[0] != 0;
}

/* Here, too, as this connection proves whose it is. */
static void reply_dev_ca(const struct register_server *s, struct http_request *r)
{
	const struct world_text *t = gateway_world(s->gateway)->texts[WORLD_DEV_CA];

	if (t)
		http_reply(r, 200, "application/x-pem-file", t->bytes, t->n, NULL);
	else
		http_reply(r, 404, "text/plain", "no domain is of a development CA\n", 33, NULL);
}

static void on_request(struct http_request *r, void *arg)
{
	struct register_server *s = arg;
	const struct tls_peer *peer = http_request_peer(r);
	struct register_ctx ctx = { s, peer };
	const struct rpc_peer who = { .kind = RPC_PEER_ANYONE };

	if (!rate_table_take(&s->rates, (const struct sockaddr *)&peer->from, time_mono_ms())) {
		s->n_results[REGISTER_TOO_MANY]++;
		rpc_http_refuse(r, 429, "too many requests from your address");
		return;
	}
	if (str_equal(http_request_path(r), "/health"))
		http_reply(r, 200, "text/plain", "OK", 2, NULL);
	else if (str_equal(http_request_path(r), "/dev-ca.pem"))
		reply_dev_ca(s, r);
	else if (!rpc_http_handle(&register_service, &ctx, "/prpc/", r, &who))
		http_reply(r, 404, "text/plain", "not found\n", 10, NULL);
}

static void on_client(int fd, const struct tls_peer *p, void *arg)
{
	struct register_server *s = arg;

	/* what it says went wrong is only that there are too many */
	(void)http_server_add(s->http, fd, p, tls_peer_size(p), NULL);
}

static int open_service(struct register_server *s, const struct gw_identity *i, struct err *e)
{
	const struct tls_front_options o = { .chain = i->chain,
					     .key = i->key,
					     .client_ca = i->client_ca,
					     .conns_max = REGISTER_CONNS,
					     .ip_conns_max = REGISTER_IP_CONNS,
					     .on_client = on_client,
					     .arg = s };
	struct tls_front *front = NULL;
	int fd, rc = tls_front_start(&front, s->loop, &o, e);

	if (rc)
		return rc;
	fd = listen_tcp(s->config->registration.listen, e);
	rc = fd < 0 ? fd : tls_front_listen(front, fd, e);
	if (rc) {
		tls_front_stop(front, NULL, NULL);
		return rc;
	}
	s->front = front;
	log_info("gateway: instances register at %s; %zu are known", s->config->registration.listen,
		 registry_count(s->registry));
	return 0;
}

/* The first opens the service; before there is nothing that a guest could believe. */
static int on_identity(const struct gw_identity *i, void *arg, struct err *e)
{
	struct register_server *s = arg;

	if (s->is_stopped)
		return 0;
	if (!s->front)
		return open_service(s, i, e);
	return tls_front_swap(s->front, i->chain, i->key, i->client_ca, e);
}

static int start_service(struct register_server *s, struct err *e)
{
	const struct http_server_options h = { .conns_max = REGISTER_CONNS,
					       .idle_s = IDLE_S,
					       .body_max = REGISTER_BODY_MAX,
					       .headers = headers,
					       .on_request = on_request,
					       .arg = s };
	int rc = http_server_start(&s->http, s->loop, &h, e);

	return rc ? rc : identity_subscribe(s->gateway->identity, on_identity, s, e);
}

/* What would not open with the identity that there is: the port was another's. */
static void try_to_open(struct register_server *s, struct err *e)
{
	const struct gw_identity *i = identity_get(s->gateway->identity);

	if (i)
		(void)open_service(s, i, e);
}

/*
 * Until it goes well nobody is forgotten, nobody new comes and no policy changes: an address that had a new owner would get
 * clients of the old one, and a port that was closed would stay open, as the old routes are still in use.
 */
static void renew_routes(struct register_server *s)
{
	struct err e = ERR_NONE;

	if (!s->is_dirty || uv_now(s->loop) < s->routes_ms)
		return;
	s->is_dirty = gateway_rebuild_routes(s->gateway, &e) < 0;
	if (s->is_dirty) {
		s->routes_ms = uv_now(s->loop) + REGISTER_LOOK_MS;
		if (!s->is_stale) {
			log_error("gateway: routes stay as they were, and nobody new registers, "
				  "until they can be made: %s",
				  e.text);
		}
	} else if (s->is_stale) {
		log_info("gateway: routes are made again");
	}
	s->is_stale = s->is_dirty;
}

static void on_tick(uv_timer_t *t)
{
	struct register_server *s = t->data;
	struct err e = ERR_NONE;

	if (uv_now(s->loop) >= s->look_ms) {
		s->look_ms = uv_now(s->loop) + REGISTER_LOOK_MS;
		if (!s->front)
			try_to_open(s, &e);
		else if (registry_file_tidy(&s->file, s->registry, &e) == 0 && !s->is_stale)
			forget_all(s, &e);
		say(s, &e);
		policy_fetch_tick(s->fetch);
	}
	wg_tick(s->wg);
	tunnels_tick(s->tunnels);
	renew_routes(s);
}

static void stop(void *arg)
{
	struct register_server *s = arg;

	s->is_stopped = true;
	if (s->front)
		tls_front_stop(s->front, NULL, NULL);
	http_server_stop(s->http, NULL, NULL);
	wg_stop(s->wg);
	tunnels_stop(s->tunnels);
	policy_fetch_stop(s->fetch);
	s->front = NULL;
	s->http = NULL;
	s->wg = NULL;
	s->tunnels = NULL;
	s->fetch = NULL;
	if (s->has_timer)
		uv_close((uv_handle_t *)&s->tick, NULL);
	s->has_timer = false;
}

int register_start(struct register_server *s, uv_loop_t *loop, struct err *e)
{
	const struct gw_registration *c = &s->config->registration;
	const struct wg_options w = { .loop = loop,
				      .program = c->program,
				      .interface = c->interface,
				      .private_key = c->private_key,
				      .port = c->port,
				      .on_made = on_made,
				      .on_new_interface = add_all_peers,
				      .arg = s };
	const struct tunnels_options t = { .loop = loop,
					   .program = c->program,
					   .interface = c->interface,
					   .on_handshake = on_handshake,
					   .on_done = on_handshakes,
					   .arg = s };
	const struct policy_fetch_options p = { .loop = loop,
						.registry = s->registry,
						.port = c->agent_port,
						.on_policy = on_policy,
						.arg = s };
	uint64_t seed = 0;
	size_t i;
	int rc;

	if (!c->listen)
		return 0;
	s->loop = loop;
	secret_random(&seed, sizeof(seed));
	rate_table_init(&s->rates, c->ip_rate, c->ip_rate, seed);
	gateway_on_end(s->gateway, stop, s);
	/* all have their time to come again */
	registry_assume_tunnels(s->registry, uv_now(loop));
	for (i = 0; i < registry_count(s->registry); i++)
		registry_set_seen(s->registry, registry_at(s->registry, i)->id, uv_now(loop));
	s->start_ms = uv_now(loop);
	wg_start(&s->wg, &w);
	tunnels_start(&s->tunnels, &t);
	policy_fetch_start(&s->fetch, &p);
	(void)uv_timer_init(loop, &s->tick);
	s->tick.data = s;
	s->has_timer = true;
	add_all_peers(s);
	rc = start_service(s, e);
	if (!rc)
		rc = uv_timer_start(&s->tick, on_tick, 0, REGISTER_TICK_MS);
	return rc;
}

void register_close(struct register_server *s)
{
	info_rpc_deinit(&s->acme);
	register_attested_free(s->attested);
	s->attested = NULL;
	registry_file_close(&s->file);
	registry_free(s->registry);
	s->registry = NULL;
}
