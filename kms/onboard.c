/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/onboard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "kms/agent.h"
#include "kms/bootstrap.h"
#include "kms/config.h"
#include "kms/kms.h"
#include "loop/token.h"
#include "loop/http_server.h"
#include "loop/work.h"
#include "proto/common.pb-c.h"
#include "proto/kms.pb-c.h"
#include "rpc/rpc.h"
#include "rpc/rpc_http.h"

enum {
	CONNS = 8,
	BODY_MAX = 64 * 1024,
	RATE = 5,
	STATUS_OK = 200,
	STATUS_NOT_FOUND = 404,
	ENDING_MS = 200
};

struct onboard {
	struct kms *kms;
	uv_loop_t loop;
	uv_signal_t signals[2];
	uv_timer_t ending; /* lets the answer to Finish go out */
	struct http_server *http;
	char *token;
	bool is_busy, is_finished;
};

/* A call, on a thread. */
struct task {
	struct onboard *o;
	struct rpc_call *call;
	int (*run)(struct task *t);
	void (*reply)(struct task *t);
	char *url;
	struct err e;
	int rc;
};

static void close_once(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static void stop(struct onboard *o)
{
	size_t i;

	http_server_stop(o->http, NULL, NULL);
	o->http = NULL;
	for (i = 0; i < 2; i++)
		close_once((uv_handle_t *)&o->signals[i]);
	close_once((uv_handle_t *)&o->ending);
}

static void task_run(void *arg)
{
	struct task *t = arg;

	t->rc = t->run(t);
}

static void task_done(void *arg)
{
	struct task *t = arg;

	t->o->is_busy = false;
	if (t->rc < 0) {
		log_warn("kms: onboarding: %s", t->e.text);
		rpc_fail(t->call, &t->e);
	} else {
		t->reply(t);
	}
	free(t->url);
	free(t);
}

static void begin(struct rpc_call *call, struct onboard *o, const char *url,
		  int (*run)(struct task *t), void (*reply)(struct task *t))
{
	struct err e = ERR_NONE;
	struct task *t;

	if (o->is_busy) {
		(void)err_set(&e, ERR_CONFLICT, "another call is being worked on; try again");
		rpc_fail(call, &e);
		return;
	}
	o->is_busy = true;
	t = xnew(struct task);
	*t = (struct task){ o, call, run, reply, url ? xstrdup(url) : NULL, ERR_NONE, 0 };
	work_start(&o->loop, task_run, task_done, t);
}

/* The domain is part of the configuration here; one that differs would be forgotten at the next start. */
static int check_domain(const struct onboard *o, const char *domain, struct err *e)
{
	if (!kms_config_is_domain(domain))
		return err_set(e, ERR_INPUT, "the domain is none");
	if (!str_equal(domain, o->kms->config->domain))
		return err_set(e, ERR_INPUT, "the configuration says domain: %s",
			       o->kms->config->domain);
	return 0;
}

static int run_bootstrap(struct task *t)
{
	struct kms *k = t->o->kms;
	int rc = bootstrap_make(k, &t->e);

	if (rc == 0)
		rc = kms_load(k, &t->e);
	return rc < 0 ? rc : 0;
}

static void reply_bootstrap(struct task *t)
{
	struct kms *k = t->o->kms;
	Bailey__Kms__BootstrapResponse m = BAILEY__KMS__BOOTSTRAP_RESPONSE__INIT;

	m.ca_pubkey = (ProtobufCBinaryData){ P256_SPKI, k->keys.ca_spki };
	m.k256_pubkey = (ProtobufCBinaryData){ K256_PUBLIC, k->keys.k256_public };
	m.attestation = (ProtobufCBinaryData){ k->n_bootstrap, k->bootstrap };
	rpc_reply(t->call, &m.base);
}

static void bootstrap(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__BootstrapRequest *m = (const void *)in;
	struct err e = ERR_NONE;

	if (check_domain(ctx, m->domain, &e) < 0)
		rpc_fail(call, &e);
	else
		begin(call, ctx, NULL, run_bootstrap, reply_bootstrap);
}

static int run_onboard(struct task *t)
{
	struct kms *k = t->o->kms;
	int rc = bootstrap_fetch(k, t->url, &t->e);

	if (rc == 0)
		rc = kms_load(k, &t->e);
	return rc < 0 ? rc : 0;
}

static void reply_onboard(struct task *t)
{
	Bailey__Kms__OnboardResponse m = BAILEY__KMS__ONBOARD_RESPONSE__INIT;

	m.k256_pubkey = (ProtobufCBinaryData){ K256_PUBLIC, t->o->kms->keys.k256_public };
	rpc_reply(t->call, &m.base);
}

static void onboard(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Kms__OnboardRequest *m = (const void *)in;
	struct err e = ERR_NONE;

	if (check_domain(ctx, m->domain, &e) < 0)
		rpc_fail(call, &e);
	else
		begin(call, ctx, m->source_url, run_onboard, reply_onboard);
}

/* What an authoriser must be told of this very machine. */
static int run_info(struct task *t)
{
	struct kms *k = t->o->kms;
	auto_p256_key struct p256_key once = { .point = { 0 } };
	auto_buf struct buf attestation = BUF_MAX(AGENT_ATTESTATION_MAX);
	int rc;

	if (!k->config->agent)
		return err_set(&t->e, ERR_BAD_STATE, "without the key agent nothing is attested");
	rc = p256_key_random(&once, &t->e);
	if (rc == 0)
		rc = kms_attest(k, &once, &attestation, &t->e);
	return rc < 0 ? rc : kms_know_self(k, &once, &attestation, &t->e);
}

static void reply_info(struct task *t)
{
	struct boot_info *b = &t->o->kms->self;
	Bailey__Kms__AttestationInfoResponse m = BAILEY__KMS__ATTESTATION_INFO_RESPONSE__INIT;
	char variant[] = BOOT_INFO_VARIANT;

	m.device_id = (ProtobufCBinaryData){ sizeof(b->device_id), b->device_id };
	m.mr_aggregated = (ProtobufCBinaryData){ sizeof(b->mr_aggregated), b->mr_aggregated };
	m.os_image_hash = (ProtobufCBinaryData){ sizeof(b->os_image_hash), b->os_image_hash };
	m.tee_variant = variant;
	m.ppid = (ProtobufCBinaryData){ sizeof(b->ppid), b->ppid };
	rpc_reply(t->call, &m.base);
}

static void info(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)in;
	begin(call, ctx, NULL, run_info, reply_info);
}

static void on_ending(uv_timer_t *t)
{
	stop(t->data);
}

static void finish(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Empty out = BAILEY__EMPTY__INIT;
	struct onboard *o = ctx;
	struct err e = ERR_NONE;

	(void)in;
	if (!o->kms->keys.ca_cert) {
		(void)err_set(&e, ERR_BAD_STATE,
			      "there are no keys yet: call Bootstrap or Onboard first");
		rpc_fail(call, &e);
		return;
	}
	o->is_finished = true;
	rpc_reply(call, &out.base);
	(void)uv_timer_start(&o->ending, on_ending, ENDING_MS, 0);
}

static const struct rpc_method methods[] = {
	{ "Bootstrap", &bailey__kms__bootstrap_request__descriptor,
	  &bailey__kms__bootstrap_response__descriptor, bootstrap, true, 0 },
	{ "Onboard", &bailey__kms__onboard_request__descriptor,
	  &bailey__kms__onboard_response__descriptor, onboard, true, 0 },
	{ "GetAttestationInfo", &bailey__empty__descriptor,
	  &bailey__kms__attestation_info_response__descriptor, info, false, 0 },
	{ "Finish", &bailey__empty__descriptor, &bailey__empty__descriptor, finish, true, 0 },
};

static const struct rpc_service onboard_service = {
	.name = "Onboard",
	.strip = "Onboard.",
	.methods = methods,
	.n_methods = sizeof(methods) / sizeof(*methods),
};

static void on_request(struct http_request *r, void *arg)
{
	const struct rpc_peer who = { .kind = RPC_PEER_TOKEN };
	struct onboard *o = arg;

	if (str_equal(http_request_path(r), "/health"))
		http_reply(r, STATUS_OK, "text/plain", "OK", 2, NULL);
	else if (!token_is_shown(r, o->token))
		rpc_http_refuse(r, 401, "this needs the setup token");
	else if (!rpc_http_handle(&onboard_service, o, "/prpc/", r, &who))
		http_reply(r, STATUS_NOT_FOUND, "text/plain", "not found\n", 10, NULL);
}

static void on_signal(uv_signal_t *h, int sig)
{
	(void)sig;
	stop(h->data);
}

static int serve(struct onboard *o, int fd, struct err *e)
{
	static const int signals[] = { SIGTERM, SIGINT };
	const struct http_server_options options = { .conns_max = CONNS,
						     .body_max = BODY_MAX,
						     .ip_rate_per_s = RATE,
						     .ip_burst = 4 * RATE,
						     .on_request = on_request,
						     .arg = o };
	int rc = http_server_start(&o->http, &o->loop, &options, e);
	size_t i;

	(void)uv_timer_init(&o->loop, &o->ending);
	o->ending.data = o;
	for (i = 0; i < 2; i++) {
		(void)uv_signal_init(&o->loop, &o->signals[i]);
		o->signals[i].data = o;
		(void)uv_signal_start(&o->signals[i], on_signal, signals[i]);
	}
	if (rc == 0)
		rc = http_server_listen(o->http, fd, NULL, 0, e);
	else
		(void)fd_close(fd);
	if (rc < 0)
		stop(o);
	return rc;
}

int onboard_run(struct kms *k, int fd, struct err *e)
{
	struct onboard *o = xnew(struct onboard);
	int rc;

	o->kms = k;
	if (uv_loop_init(&o->loop) < 0)
		abort(); /* out of memory or of descriptors, at the start */
	rc = token_read(k->config->onboard_token, &o->token, e);
	if (rc == 0)
		rc = serve(o, fd, e);
	else
		(void)fd_close(fd);
	(void)uv_run(&o->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&o->loop) < 0)
		log_warn("kms: something of the onboarding service was left open");
	if (rc == 0)
		rc = o->is_finished;
	secret_str_free(o->token);
	free(o);
	return rc;
}
