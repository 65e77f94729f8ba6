/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/server.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "kms/admin.h"
#include "kms/config.h"
#include "kms/kms.h"
#include "kms/service.h"
#include "loop/token.h"
#include "loop/http_server.h"
#include "loop/tls_front.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum {
	STATUS_OK = 200,
	STATUS_NOT_FOUND = 404,
	STATUS_TOO_MANY = 429,
	BODY_MAX = 2 * 1024 * 1024,
	BODIES_MAX = 64 * 1024 * 1024,
	IDLE_S = 10,
	METRICS_MAX = 64 * 1024,
	ADMIN_CONNS = 8,
};

static const struct http_header headers[] = {
	{ "Server", "bailey-kms" },
	{ "X-App-Version", "v" DSTACK_VERSION " (bailey " BAILEY_VERSION ")" },
	{ "Cache-Control", "no-store" },
	{ NULL, NULL },
};

static void one(struct buf *b, const char *name, const char *help, uint64_t value)
{
	(void)buf_addf(b, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name,
		       (unsigned long long)value);
}

static void metrics(const struct server *s, struct http_request *r)
{
	auto_buf struct buf b = BUF_MAX(METRICS_MAX);
	struct tls_front_counts t;

	tls_front_count(s->front, &t);
	one(&b, "dstack_kms_attestation_requests_total", "Calls of who has to be attested.",
	    s->kms->n_attested);
	one(&b, "dstack_kms_attestation_failures_total", "Those of them that were refused.",
	    s->kms->n_failed);
	one(&b, "bailey_kms_handshakes_total", "TLS handshakes that were finished.", t.done);
	one(&b, "bailey_kms_handshakes_failed_total",
	    "TLS handshakes that failed or took too long.", t.failed + t.late);
	one(&b, "bailey_kms_refused_total", "Connections and requests over a limit.",
	    t.refused + http_server_n_refused(s->http));
	(void)buf_addf(&b,
		       "# HELP bailey_kms_connections Connections now.\n"
		       "# TYPE bailey_kms_connections gauge\nbailey_kms_connections %u\n",
		       t.conns);
	http_reply(r, STATUS_OK, "text/plain; version=0.0.4", b.p, b.n, NULL);
}

static void text(struct http_request *r, int status, const char *t)
{
	http_reply(r, status, "text/plain", t, strlen(t), NULL);
}

static void on_request(struct http_request *r, void *arg)
{
	struct server *s = arg;
	const struct tls_peer *peer = http_request_peer(r);
	struct service_ctx ctx = { &s->jobs, peer };
	const struct rpc_peer who = { .kind = RPC_PEER_ANYONE };

	if (!rate_table_take(&s->rates, (const struct sockaddr *)&peer->from, time_mono_ms()))
		rpc_http_refuse(r, STATUS_TOO_MANY, "too many requests from your address");
	else if (str_equal(http_request_path(r), "/health"))
		text(r, STATUS_OK, "OK");
	else if (str_equal(http_request_path(r), "/metrics") && s->kms->config->has_metrics)
		metrics(s, r);
	else if (!rpc_http_handle(&service_kms, &ctx, "/prpc/", r, &who))
		text(r, STATUS_NOT_FOUND, "not found\n");
}

static void on_client(int fd, const struct tls_peer *p, void *arg)
{
	struct server *s = arg;

	/* what it says went wrong is only that there are too many, which is counted */
	(void)http_server_add(s->http, fd, p, tls_peer_size(p), NULL);
}

static void on_admin(struct http_request *r, void *arg)
{
	struct server *s = arg;
	const struct rpc_peer who = { .kind = RPC_PEER_TOKEN };

	if (!token_is_shown(r, s->admin_token))
		rpc_http_refuse(r, 401, "this needs the admin token");
	else if (!rpc_http_handle(&admin_service, s->kms, "/prpc/", r, &who))
		text(r, STATUS_NOT_FOUND, "not found\n");
}

static int start_admin(struct server *s, int fd, struct err *e)
{
	const struct http_server_options o = { .conns_max = ADMIN_CONNS,
					       .body_max = METRICS_MAX,
					       .ip_rate_per_s = ADMIN_CONNS,
					       .headers = headers,
					       .on_request = on_admin,
					       .arg = s };
	int rc;

	if (fd < 0)
		return 0;
	rc = token_read(s->kms->config->admin_token, &s->admin_token, e);
	if (rc == 0)
		rc = http_server_start(&s->admin, s->loop, &o, e);
	if (rc < 0) {
		(void)fd_close(fd);
		return rc;
	}
	return http_server_listen(s->admin, fd, NULL, 0, e);
}

static int start_service(struct server *s, struct err *e)
{
	const struct kms_config *c = s->kms->config;
	const struct http_server_options h = { .conns_max = c->conns,
					       .idle_s = IDLE_S,
					       .body_max = BODY_MAX,
					       .bodies_max = BODIES_MAX,
					       .headers = headers,
					       .on_request = on_request,
					       .arg = s };
	const struct tls_front_options t = { .chain = s->kms->rpc_cert,
					     .key = s->kms->rpc_key,
					     .client_ca = s->kms->keys.tmp_ca_cert,
					     .conns_max = c->conns,
					     .ip_conns_max = c->ip_conns,
					     .on_client = on_client,
					     .arg = s };
	int rc = http_server_start(&s->http, s->loop, &h, e);

	return rc < 0 ? rc : tls_front_start(&s->front, s->loop, &t, e);
}

int server_start(struct server *s, struct kms *k, uv_loop_t *loop, const int *fds, size_t n,
		 int admin, struct err *e)
{
	const struct kms_config *c = k->config;
	uint64_t seed = 0;
	size_t i;
	int rc;

	*s = (struct server){ .kms = k, .loop = loop };
	s->jobs = (struct jobs){ .kms = k, .loop = loop, .max = c->requests };
	secret_random(&seed, sizeof(seed));
	rate_table_init(&s->rates, c->ip_rate, c->ip_burst, seed);
	rc = start_service(s, e);
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = tls_front_listen(s->front, fds[i], e);
		else
			(void)fd_close(fds[i]);
	}
	if (rc == 0)
		return start_admin(s, admin, e);
	(void)fd_close(admin);
	return rc;
}

void server_stop(struct server *s)
{
	tls_front_stop(s->front, NULL, NULL);
	http_server_stop(s->http, NULL, NULL);
	http_server_stop(s->admin, NULL, NULL);
	s->front = NULL;
	s->http = s->admin = NULL;
}

void server_deinit(struct server *s)
{
	secret_str_free(s->admin_token);
	s->admin_token = NULL;
}
