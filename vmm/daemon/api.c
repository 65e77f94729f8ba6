/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "auth/role.h"
#include "daemon/api_events.h"
#include "daemon/api_origin.h"
#include "daemon/api_health.h"
#include "daemon/api_metrics.h"
#include "daemon/api_service.h"
#include "daemon/api_tcp.h"
#include "daemon/app_key.h"
#include "daemon/config.h"
#include "daemon/console_pages.h"
#include "daemon/counts.h"
#include "daemon/daemon.h"
#include "daemon/guest_proxy.h"
#include "daemon/logs.h"
#include "daemon/openapi.h"
#include "daemon/stats.h"
#include "loop/http_server.h"
#include "loop/listen.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum {
	API_CONNS = 256,
	API_IDLE_S = 60,
	READER_CONNS = 48,
	READER_BODY = 1024 * 1024,
	STRANGERS = 16,
	REFUSALS_LOGGED_MS = 60 * 1000,
};

/*
 * On every answer.  The first five are dstack's; the rest keeps the console from running, or being shown in,
 * what is not ours, and answers and tokens out of caches and of other sites' logs.
 */
const struct http_header api_headers[] = {
	{ "Server", "bailey/" BAILEY_VERSION },
	{ "X-App-Version", "v" DSTACK_VERSION " (bailey:" BAILEY_VERSION ")" },
	{ "X-Accel-Buffering", "no" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "SAMEORIGIN" },
	{ "Permissions-Policy", "interest-cohort=()" },
	{ "Content-Security-Policy",
	  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	  "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
	  "frame-ancestors 'self'" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cache-Control", "no-store" },
	{ NULL, NULL },
};

/* What the kernel says about who is at the other end of the unix socket. */
static enum role role_of(const struct daemon *d, uint32_t uid)
{
	const struct config *c = d->config;
	size_t i;

	if (uid == 0 || uid == geteuid())
		return ROLE_OPERATE;
	for (i = 0; i < c->n_users; i++) {
		if (c->users[i] == uid)
			return ROLE_OPERATE;
	}
	for (i = 0; i < c->api.n_readers; i++) {
		if (c->api.readers[i] == uid)
			return ROLE_READ;
	}
	return ROLE_NONE;
}

static bool may_call(uint32_t uid, void *arg)
{
	return role_of(arg, uid) != ROLE_NONE;
}

/* Who may only look keeps nobody from more than that. */
static unsigned int conns_max_of(uint32_t uid, void *arg)
{
	return role_of(arg, uid) == ROLE_OPERATE ? 0 : READER_CONNS;
}

void api_text(struct http_request *r, int status, const char *text)
{
	http_reply(r, status, "text/plain; charset=utf-8", text, strlen(text), NULL);
}

/* Who may not call may not fill the log either. */
static void log_refusal(struct daemon *d, uint32_t uid)
{
	uint64_t now = time_mono_ms();

	if (d->refusal_logged_ms && now - d->refusal_logged_ms < REFUSALS_LOGGED_MS)
		return;
	d->refusal_logged_ms = now;
	log_warn("api: refused a call of user %u; more in the next minute are not logged", uid);
}

static size_t body_max_of(const struct http_request *r, void *arg)
{
	const struct daemon *d = arg;
	enum role role = role_of(d, http_request_uid(r));
	size_t max = d->config->max_body;

	if (role == ROLE_READ && max > READER_BODY)
		max = READER_BODY;
	return role == ROLE_NONE ? 0 : max;
}

static void refuse(struct daemon *d, struct http_request *r, uint32_t uid)
{
	char text[160];

	log_refusal(d, uid);
	(void)str_format(text, sizeof(text),
			 "user %u may not call this daemon; add it to api.users or api.readers",
			 uid);
	rpc_http_refuse(r, 403, text);
}

struct page {
	const char *path;
	void (*serve)(struct daemon *d, struct http_request *r);
};

static const struct page pages[] = {
	{ "/logs", logs_serve },
	{ "/events", api_events_serve },
	{ "/metrics", api_metrics_serve },
	{ "/healthz", api_health_serve },
	{ "/api-docs/openapi.json", openapi_serve_json },
	{ "/api-docs/docs", openapi_serve_page },
	{ "/stats", stats_serve },
};

static bool is_read(const struct http_request *r)
{
	return str_equal(http_request_method(r), "GET") ||
	       str_equal(http_request_method(r), "HEAD");
}

static void refuse_method(struct http_request *r)
{
	static const struct http_header allow[] = { { "Allow", "GET, HEAD" }, { NULL, NULL } };
	static const char text[] = "only GET is answered here\n";

	http_reply(r, 405, "text/plain; charset=utf-8", text, strlen(text), allow);
}

/* As JSON for who asks for it, in dstack's form. */
static void not_found(struct http_request *r)
{
	static const char json[] =
		"{\n  \"error\": {\n    \"code\": 404,\n    \"reason\": \"Not Found\",\n"
		"    \"description\": \"The requested resource could not be found.\"\n  }\n}";
	const char *accept = http_request_header(r, "Accept");

	if (accept && strstr(accept, "application/json"))
		http_reply(r, 404, "application/json", json, strlen(json), NULL);
	else
		api_text(r, 404, "Not found\n");
}

static bool serve_page(struct daemon *d, struct http_request *r)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (!str_equal(http_request_path(r), pages[i].path))
			continue;
		if (!is_read(r))
			refuse_method(r);
		else
			pages[i].serve(d, r);
		return true;
	}
	return false;
}

void api_route(struct daemon *d, struct http_request *r, const struct rpc_peer *peer)
{
	if (!rpc_http_handle(&vmm_service, d, "/prpc/", r, peer) &&
	    !rpc_http_handle(&guest_proxy_service, d, "/guest/", r, peer) && !serve_page(d, r) &&
	    !console_serve(d, r))
		not_found(r);
}

bool api_is_ours(const struct daemon *d, const struct http_request *r, bool is_local,
		 const char **ret_why)
{
	const struct config_api *c = &d->config->api;

	if (is_local &&
	    !origin_host_is_local(http_request_header(r, "Host"), c->hosts, c->n_hosts)) {
		*ret_why =
			"this name is not the daemon's; use localhost or an address, or add it to "
			"api.hosts";
		return false;
	}
	if (!is_read(r) &&
	    !origin_is_same(http_request_header(r, "Host"), http_request_header(r, "Origin"),
			    http_request_header(r, "Sec-Fetch-Site"))) {
		*ret_why = "another site made the browser send this; it is refused";
		return false;
	}
	return true;
}

/* A browser, whose user forwards a port to the socket; every one of them says that it is Mozilla. */
static bool is_browser(const struct http_request *r)
{
	const char *agent = http_request_header(r, "User-Agent");

	return http_request_header(r, "Origin") || http_request_header(r, "Sec-Fetch-Site") ||
	       (agent && str_starts(agent, "Mozilla/"));
}

static void on_request(struct http_request *r, void *arg)
{
	struct rpc_peer peer = { .kind = RPC_PEER_OPERATOR, .uid = http_request_uid(r) };
	struct daemon *d = arg;
	enum role role = role_of(d, peer.uid);
	const char *why;

	peer.is_reader = role == ROLE_READ;
	(void)str_format(peer.name, sizeof(peer.name), "uid %u", peer.uid);
	if (role == ROLE_NONE)
		refuse(d, r, peer.uid);
	else if (is_browser(r) && !api_is_ours(d, r, true, &why))
		rpc_http_refuse(r, 403, why);
	else
		api_route(d, r, &peer);
}

/* Anyone may connect, so that who may not call is told so; the kernel says who it is. */
static int serve_socket(struct daemon *d, struct err *e)
{
	const struct http_server_options o = {
		.conns_max = API_CONNS,
		.idle_s = API_IDLE_S,
		.body_max = d->config->max_body,
		.body_max_of = body_max_of,
		.is_known = may_call,
		.strangers_max = STRANGERS,
		.conns_max_of = conns_max_of,
		.headers = api_headers,
		.on_request = on_request,
		.arg = d,
	};
	int fd = listen_unix(d->config->api_socket, 0666, e), rc;

	if (fd < 0)
		return fd;
	rc = http_server_start(&d->api, d->loop, &o, e);
	if (rc) {
		(void)close(fd);
		return rc;
	}
	return http_server_listen(d->api, fd, "", 1, e);
}

void api_observe(void *ctx, const struct rpc_outcome *o)
{
	struct daemon *d = ctx;

	counts_call(d->counts, o->method ? o->method->name : "unknown", o->status, o->us);
	if (o->method && o->method->changes)
		audit_add(&d->audit, o);
}

/* Who looks for us may do without: a failure is told, no more. */
static void be_found(struct daemon *d)
{
	struct err e = ERR_NONE;
	char folder[256];

	if (!d->config->api.discovery || discovery_folder(folder, sizeof(folder)))
		return;
	if (discovery_begin(&d->discovery, folder, d->config, d->image_dir, &e))
		log_warn("api: dstack's client will not find this daemon: %s", e.text);
}

int api_start(struct daemon *d, struct err *e)
{
	int rc = audit_open(&d->audit, d->config->state, e);

	if (!rc)
		rc = api_tcp_start(d, e);
	if (!rc)
		rc = serve_socket(d, e);
	if (!rc)
		be_found(d);
	return rc;
}

struct stopping {
	struct daemon *d;
	void (*done)(void *arg);
	void *arg;
};

static void on_tcp_stopped(void *arg)
{
	struct stopping *s = arg;

	if (s->d->api)
		http_server_stop(s->d->api, s->done, s->arg);
	else
		s->done(s->arg); /* it never began */
	s->d->api = NULL;
	free(s);
}

void api_stop(struct daemon *d, void (*done)(void *arg), void *arg)
{
	struct stopping *s = xnew(struct stopping);

	*s = (struct stopping){ d, done, arg };
	guest_proxy_stop(d);
	app_key_stop(d);
	logs_stop(d);
	api_events_stop(d);
	api_health_stop(d);
	discovery_end(&d->discovery);
	if (d->api)
		(void)unlink(d->config->api_socket);
	api_tcp_stop(d, on_tcp_stopped, s);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decode [@s, @end) into @ret.  Return: 0, or -1 if it does not fit or is malformed. */
static int decode(const char *s, const char *end, char *ret, size_t size)
{
	size_t n = 0;
	char c;

	for (; s < end; s++) {
		c = *s == '+' ? ' ' : *s;
		if (*s == '%') {
			if (end - s < 3 || hex_value(s[1]) < 0 || hex_value(s[2]) < 0)
				return -1;
			c = (char)(hex_value(s[1]) << 4 | hex_value(s[2]));
			s += 2;
		}
		if (!c || n + 1 >= size)
			return -1;
		ret[n++] = c;
	}
	ret[n] = 0;
	return 0;
}

int api_query(const struct http_request *r, const char *key, char *ret, size_t size)
{
	const char *p = http_request_query(r), *end, *eq;
	char name[64];

	while (*p) {
		end = strchrnul(p, '&');
		eq = memchr(p, '=', (size_t)(end - p));
		if (!decode(p, eq ? eq : end, name, sizeof(name)) && str_equal(name, key))
			return decode(eq ? eq + 1 : end, end, ret, size) ? -1 : 1;
		p = *end ? end + 1 : end;
	}
	return 0;
}
