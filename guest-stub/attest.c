/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/attest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/version.h"
#include "guest-stub/about.h"
#include "guest-stub/app_cert.h"
#include "guest-stub/emitting.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/quoting.h"
#include "proto/agent.pb-c.h"
#include "proto/common.pb-c.h"
#include "rpc/rpc.h"
#include "tee/evidence.h"
#include "tee/report_data.h"
#include "wire/attestation.h"

static_assert((int)REPORT_DATA_SIZE == (int)TEE_REPORT_DATA_SIZE, "one size");

/* A call that waits for its quote. */
struct pending {
	const struct attest *a;
	struct rpc_call *call;
	char *algorithm, *prefix; /* of attest_hashed() */
	uint8_t nonce[REPORT_DATA_NONCE_MAX];
	size_t n_nonce;
};

/* Messages are only read by who sends them; protobuf-c has no const in its structs. */
static char *text(const char *s)
{
	return mem_unconst(s);
}

static ProtobufCBinaryData bytes(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = mem_unconst(p) };
}

static ProtobufCBinaryData id(const struct about_bytes *b)
{
	return bytes(b->b, b->n);
}

static struct pending *pending_new(const struct attest *a, struct rpc_call *call)
{
	struct pending *p = xnew(struct pending);

	p->a = a;
	p->call = call;
	return p;
}

static void pending_free(struct pending *p)
{
	free(p->algorithm);
	free(p->prefix);
	free(p);
}

static void fail(struct pending *p, const struct err *e)
{
	rpc_fail(p->call, e);
	pending_free(p);
}

/* Ask for the quote of @p, which @done answers and frees. */
static void ask(struct pending *p, const struct report_data *d, bool is_public,
		quoting_done_fn done)
{
	struct err e = ERR_NONE;

	if (quoting_take(p->a->quotes, d->b, is_public, done, p, &e) < 0)
		fail(p, &e);
}

static int padded(const ProtobufCBinaryData *in, struct report_data *ret, struct err *e)
{
	if (in->len > sizeof(ret->b))
		return err_set(e, ERR_INPUT, "Report data is too long");
	*ret = (struct report_data){ { 0 } };
	if (in->len)
		memcpy(ret->b, in->data, in->len);
	return 0;
}

/* Report data of the app's own choice, zeros behind it. */
static void ask_padded(const struct attest *a, struct rpc_call *call, const ProtobufCBinaryData *in,
		       quoting_done_fn done)
{
	struct err e = ERR_NONE;
	struct report_data d;

	if (padded(in, &d, &e) < 0)
		rpc_fail(call, &e);
	else
		ask(pending_new(a, call), &d, false, done);
}

static char *log_of(const struct pending *p, const struct quoting_result *r)
{
	return evidence_events_text(&p->a->tee->boot, &r->runtime, EVIDENCE_PUBLIC);
}

/* ---- GetQuote ---- */

static void quote_done(void *arg, const struct quoting_result *r)
{
	Bailey__Agent__GetQuoteResponse out = BAILEY__AGENT__GET_QUOTE_RESPONSE__INIT;
	struct pending *p = arg;

	if (r->r < 0) {
		fail(p, &r->e);
		return;
	}
	out.quote = bytes(r->quote.p, r->quote.n);
	out.event_log = log_of(p, r);
	out.report_data = bytes(r->report_data, sizeof(r->report_data));
	out.vm_config = text(p->a->about->vm_config);
	rpc_reply(p->call, &out.base);
	free(out.event_log);
	pending_free(p);
}

void attest_quote(const struct attest *a, struct rpc_call *call,
		  const ProtobufCBinaryData *report_data)
{
	ask_padded(a, call, report_data, quote_done);
}

void attest_for_stranger(const struct attest *a, struct rpc_call *call,
			 const struct report_data *report_data)
{
	ask(pending_new(a, call), report_data, true, quote_done);
}

/* ---- Attest ---- */

static void attestation_done(void *arg, const struct quoting_result *r)
{
	Bailey__Agent__AttestResponse out = BAILEY__AGENT__ATTEST_RESPONSE__INIT;
	auto_buf struct buf b = BUF_MAX(ATTESTATION_SIZE_MAX);
	struct err e = r->e;
	struct pending *p = arg;
	const struct evidence ev = {
		.boot = &p->a->tee->boot,
		.runtime = &r->runtime,
		.quote = r->quote.p,
		.n_quote = r->quote.n,
		.report_data = r->report_data,
		.vm_config = p->a->about->vm_config,
	};

	if (r->r < 0 || evidence_attestation(&ev, &b, &e) < 0) {
		fail(p, &e);
		return;
	}
	out.attestation = bytes(b.p, b.n);
	rpc_reply(p->call, &out.base);
	pending_free(p);
}

void attest_attestation(const struct attest *a, struct rpc_call *call,
			const ProtobufCBinaryData *report_data)
{
	ask_padded(a, call, report_data, attestation_done);
}

/* ---- TdxQuote, RawQuote ---- */

static void hashed_done(void *arg, const struct quoting_result *r)
{
	Bailey__Agent__TdxQuoteResponse out = BAILEY__AGENT__TDX_QUOTE_RESPONSE__INIT;
	struct pending *p = arg;

	if (r->r < 0) {
		fail(p, &r->e);
		return;
	}
	out.quote = bytes(r->quote.p, r->quote.n);
	out.event_log = log_of(p, r);
	out.hash_algorithm = p->algorithm;
	out.prefix = p->prefix;
	rpc_reply(p->call, &out.base);
	free(out.event_log);
	pending_free(p);
}

void attest_hashed(const struct attest *a, struct rpc_call *call,
		   const ProtobufCBinaryData *content, const char *algorithm, const char *prefix)
{
	bool is_raw = strcmp(algorithm, "raw") == 0;
	struct err e = ERR_NONE;
	struct report_data d;
	struct pending *p;

	if (report_data_hashed(algorithm, prefix, content->data, content->len, &d, &e) < 0) {
		rpc_fail(call, &e);
		return;
	}
	p = pending_new(a, call);
	p->algorithm = xstrdup(*algorithm ? algorithm : "sha512");
	p->prefix = xstrdup(is_raw ? "" : *prefix ? prefix : REPORT_DATA_TAG_APP);
	ask(p, &d, false, hashed_done);
}

/* ---- GetEvidence ---- */

static void evidence_done(void *arg, const struct quoting_result *r)
{
	Bailey__Agent__Evidence out = BAILEY__AGENT__EVIDENCE__INIT;
	struct pending *p = arg;
	const struct about *about = p->a->about;

	if (r->r < 0) {
		fail(p, &r->e);
		return;
	}
	out.quote = bytes(r->quote.p, r->quote.n);
	out.event_log = log_of(p, r);
	out.report_data = bytes(r->report_data, sizeof(r->report_data));
	out.vm_config = text(about->vm_config);
	out.nonce = bytes(p->nonce, p->n_nonce);
	out.tls_public_key = bytes(p->a->tls_key, p->a->n_tls_key);
	out.tee = text(tee_kind_name(p->a->tee->tee.kind));
	out.app_compose = text(about->public_tcbinfo ? about->compose : "");
	out.tcb_info = text(about->public_tcbinfo ? about->tcb_info : "");
	rpc_reply(p->call, &out.base);
	free(out.event_log);
	pending_free(p);
}

void attest_evidence(const struct attest *a, struct rpc_call *call,
		     const ProtobufCBinaryData *nonce)
{
	const struct report_data_evidence of = {
		.nonce = nonce->data,
		.n_nonce = nonce->len,
		.tls_key = a->tls_key,
		.n_tls_key = a->n_tls_key,
	};
	struct err e = ERR_NONE;
	struct report_data d;
	struct pending *p;

	if (report_data_of_evidence(&of, &d, &e) < 0) {
		rpc_fail(call, &e);
		return;
	}
	if (a->app_cert)
		(void)app_cert_text(a->app_cert); /* asks again for what TLS wants, if it must */
	p = pending_new(a, call);
	p->n_nonce = nonce->len;
	memcpy(p->nonce, nonce->data, nonce->len); /* within the limit, as it was hashed */
	ask(p, &d, true, evidence_done);
}

/* ---- EmitEvent ---- */

static void emit_done(void *arg, int r, const struct err *e)
{
	static const Bailey__Empty out = BAILEY__EMPTY__INIT;
	struct rpc_call *call = arg;

	if (r < 0)
		rpc_fail(call, e);
	else
		rpc_reply(call, &out.base);
}

void attest_emit(const struct attest *a, struct rpc_call *call, const ProtobufCMessage *in)
{
	const Bailey__Agent__EmitEventArgs *args = (const Bailey__Agent__EmitEventArgs *)in;
	struct err e = ERR_NONE;

	if (emitting_add(a->events, args->event, args->payload.data, args->payload.len, emit_done,
			 call, &e) < 0)
		rpc_fail(call, &e);
}

/* ---- without a quote ---- */

void attest_info(const struct attest *a, struct rpc_call *call, bool is_public)
{
	Bailey__Agent__AppInfo out = BAILEY__AGENT__APP_INFO__INIT;
	const struct about *about = a->about;
	bool is_hidden = is_public && !about->public_tcbinfo;

	out.app_id = id(&about->app_id);
	out.instance_id = id(&about->instance_id);
	out.app_cert = text(a->app_cert ? app_cert_text(a->app_cert) : "");
	out.tcb_info = text(is_hidden ? "" : about->tcb_info);
	out.app_name = text(about->app_name);
	out.device_id = id(&about->device_id);
	out.mr_aggregated = id(&about->mr_aggregated);
	out.os_image_hash = id(&about->os_image_hash);
	out.key_provider_info = text(about->key_provider);
	out.compose_hash = id(&about->compose_hash);
	out.vm_config = text(is_hidden ? "" : about->vm_config);
	out.cloud_vendor = text(about->vendor);
	out.cloud_product = text(about->product);
	rpc_reply(call, &out.base);
}

void attest_version(struct rpc_call *call)
{
	Bailey__Agent__WorkerVersion out = BAILEY__AGENT__WORKER_VERSION__INIT;

	out.version = text(DSTACK_VERSION);
	out.rev = text("bailey-" BAILEY_VERSION);
	rpc_reply(call, &out.base);
}
