/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  A query holds the addresses that may be asked, in their order, and asks one after the other
 * until one gives an answer that has the form of one.  It is in the daemon's list from its first call to its
 * answer, so that an end of the daemon finds it.
 */
#include "daemon/app_key.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/api_service.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/vm.h"
#include "data/guest_url.h"
#include "data/json.h"
#include "data/proto.h"
#include "loop/http_client.h"
#include "proto/vmm.pb-c.h"
#include "store/manifest.h"

enum { APP_ID = 20, KEY = 32, SIGNATURE = 65, CERTIFICATE_MAX = 256 * 1024, SHOWN = 120, OK = 200 };

struct app_key {
	struct app_key *next;
	struct daemon *d;
	struct rpc_call *call;
	struct http_call *http; /* NULL: none is under way */
	char *urls[APP_KEY_URLS_MAX];
	size_t n_urls, at; /* urls[at] is being asked */
	uint64_t end_ms;
	char app_id[2 * APP_ID + 1];
	struct buf certificate; /* taken and not looked at */
	struct buf why;		/* of each that gave no answer */
};

static void add_url(struct app_key *q, const char *url)
{
	if (q->n_urls < APP_KEY_URLS_MAX)
		q->urls[q->n_urls++] = xstrdup(url);
}

static void query_free(struct app_key *q)
{
	size_t i;

	for (i = 0; i < q->n_urls; i++)
		free(q->urls[i]);
	buf_deinit(&q->certificate);
	buf_deinit(&q->why);
	free(q);
}

/* Out of the daemon's list, so that it may be answered. */
static struct rpc_call *leave(struct app_key *q)
{
	struct app_key **at = &q->d->app_keys;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	return q->call;
}

static void fail(struct app_key *q, const struct err *e)
{
	struct rpc_call *call = leave(q);

	query_free(q);
	rpc_fail(call, e);
}

static void note(struct app_key *q, const char *why)
{
	char url[SHOWN], text[2 * SHOWN];

	(void)str_escape(url, sizeof(url), q->urls[q->at], strlen(q->urls[q->at]));
	(void)str_escape(text, sizeof(text), why, strlen(why));
	(void)buf_addf(&q->why, "%s%s: %s", q->why.n ? "; " : "", url,
		       text); /* full: enough said */
}

static bool has_form(const Bailey__Vmm__PublicKeyResponse *m, struct err *e)
{
	bool is_good = m->public_key.len == KEY &&
		       (m->signature.len == SIGNATURE || !m->signature.len) &&
		       (m->signature_v1.len == SIGNATURE || !m->signature_v1.len);

	if (!is_good)
		(void)err_set(e, ERR_PROTO, "what it answers is no key with its signatures");
	return is_good;
}

/* {"error": "..."} of a KMS that refuses. */
static void said(const struct http_answer *a, struct err *e)
{
	json_t *j = NULL;

	if (json_parse(a->body.p, a->body.n, APP_KEY_REPLY_MAX, "answer", &j, NULL) < 0)
		j = NULL;
	if (*json_get_str(j, "error", ""))
		(void)err_set(e, ERR_PROTO, "it refuses: %.200s", json_get_str(j, "error", ""));
	else
		(void)err_set(e, ERR_PROTO, "HTTP status %d", a->status);
	json_decref(j);
}

/* Did @a answer it?  Then @q is gone. */
static bool reply(struct app_key *q, const struct http_answer *a, struct err *e)
{
	ProtobufCMessage *m = NULL;
	struct rpc_call *call;
	json_t *j = NULL;
	bool is_good = false;

	if (a->status != OK) {
		said(a, e);
		return false;
	}
	if (json_parse(a->body.p, a->body.n, APP_KEY_REPLY_MAX, "its answer", &j, e) == 0 &&
	    proto_from_json(&bailey__vmm__public_key_response__descriptor, j, &m, e) == 0)
		is_good = has_form((const Bailey__Vmm__PublicKeyResponse *)m, e);
	json_decref(j);
	if (is_good) {
		call = leave(q);
		query_free(q);
		rpc_reply(call, m);
	}
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
	return is_good;
}

static void ask(struct app_key *q);

static void answered(void *arg, const struct http_answer *a, const struct err *e)
{
	struct app_key *q = arg;
	struct err why = e ? *e : ERR_NONE;

	q->http = NULL;
	if (a && reply(q, a, &why))
		return;
	note(q, why.text);
	q->at++;
	ask(q);
}

static int start(struct app_key *q, uint64_t left_ms, struct err *e)
{
	struct http_call_options o = { .method = "POST",
				       .fd = -1,
				       .content_type = "application/json",
				       .certificate = &q->certificate,
				       .reply_max = APP_KEY_REPLY_MAX };
	auto_free char *body = xasprintf("{\"app_id\":\"%s\"}", q->app_id), *url = NULL;
	char host[APP_KEY_URL_MAX];
	size_t n;

	if (guest_url_on_host(q->urls[q->at], host, sizeof(host)) < 0)
		return err_set(e, ERR_INPUT, "the address is too long");
	for (n = strlen(host); n > 0 && host[n - 1] == '/';)
		n--;
	url = xasprintf("%.*s/prpc/GetAppEnvEncryptPubKey?json", (int)n, host);
	q->certificate.n = 0;
	o.url = url;
	o.body = body;
	o.n_body = strlen(body);
	o.timeout_ms = (unsigned int)(left_ms < APP_KEY_TRY_MS ? left_ms : APP_KEY_TRY_MS);
	return http_call_start(q->d->http, &o, answered, q, &q->http, e);
}

/* The next one that can be asked; if there is none, that is the answer. */
static void ask(struct app_key *q)
{
	struct err e = ERR_NONE;
	uint64_t now;

	for (; q->at < q->n_urls; q->at++) {
		now = time_mono_ms();
		if (now >= q->end_ms)
			break;
		if (start(q, q->end_ms - now, &e) == 0)
			return;
		note(q, e.text);
	}
	(void)err_set(&e, ERR_MISSING, "no KMS gives the key: %s",
		      q->why.n ? (const char *)q->why.p : "there was no time to ask");
	fail(q, &e);
}

static const struct manifest_list *urls_of_app(const struct daemon *d, const char *app_id)
{
	const struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (vm->manifest.kms_urls.n && strcasecmp(vm->manifest.app_id, app_id) == 0)
			return &vm->manifest.kms_urls;
	}
	return NULL;
}

static bool is_configured(const struct config *c, const char *url)
{
	size_t i;

	for (i = 0; i < c->kms_urls.n && !str_equal(c->kms_urls.items[i], url);)
		i++;
	return i < c->kms_urls.n;
}

/* Whoever may create VMs may have any address asked: a VM could ask it, too. */
static int take_asked(struct app_key *q, const Bailey__Vmm__AppId *in, struct err *e)
{
	bool is_reader = rpc_peer(q->call)->is_reader;
	size_t i;

	if (in->n_kms_urls > APP_KEY_URLS_MAX)
		return err_set(e, ERR_INPUT, "kms_urls: at most %d addresses", APP_KEY_URLS_MAX);
	for (i = 0; i < in->n_kms_urls; i++) {
		const char *url = in->kms_urls[i];

		if (!str_starts(url, "https://") && !str_starts(url, "http://"))
			return err_set(e, ERR_INPUT,
				       "kms_urls[%zu]: not a URL; write https://HOST:PORT", i);
		if (is_reader && !is_configured(q->d->config, url)) {
			return err_set(e, ERR_INPUT,
				       "kms_urls[%zu]: who may only read may only have those asked "
				       "that baileyd.yaml names",
				       i);
		}
		add_url(q, url);
	}
	return 0;
}

static int choose_urls(struct app_key *q, const Bailey__Vmm__AppId *in, struct err *e)
{
	const struct config_urls *all = &q->d->config->kms_urls;
	const struct manifest_list *own;
	size_t i;

	if (in->n_kms_urls)
		return take_asked(q, in, e);
	own = urls_of_app(q->d, q->app_id);
	for (i = 0; own && i < own->n; i++)
		add_url(q, own->items[i]);
	for (i = 0; !own && i < all->n; i++)
		add_url(q, all->items[i]);
	return q->n_urls ? 0 : err_set(e, ERR_MISSING, "KMS is not configured");
}

static int check(const struct daemon *d, const Bailey__Vmm__AppId *in, struct err *e)
{
	const struct app_key *q;
	unsigned int n = 0;

	for (q = d->app_keys; q; q = q->next)
		n++;
	if (in->app_id.len != APP_ID)
		return err_set(e, ERR_INPUT, "app_id must be 20 bytes");
	if (d->is_stopping)
		return err_set(e, ERR_BAD_STATE, "the daemon is ending");
	if (n >= APP_KEY_CALLS_MAX)
		return err_set(e, ERR_LIMIT, "%d such calls are under way; try again",
			       APP_KEY_CALLS_MAX);
	return 0;
}

void api_get_app_env_encrypt_pub_key(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__AppId *id = (const Bailey__Vmm__AppId *)in;
	struct daemon *d = ctx;
	struct err e = ERR_NONE;
	struct app_key *q;

	if (check(d, id, &e)) {
		rpc_fail(call, &e);
		return;
	}
	q = xnew(struct app_key);
	q->d = d;
	q->call = call;
	q->end_ms = time_mono_ms() + APP_KEY_ALL_MS;
	q->certificate = BUF_MAX(CERTIFICATE_MAX);
	q->why = BUF_MAX(sizeof(e.text) / 2);
	str_hex(q->app_id, id->app_id.data, APP_ID);
	q->next = d->app_keys;
	d->app_keys = q;
	if (choose_urls(q, id, &e))
		fail(q, &e);
	else
		ask(q);
}

void app_key_stop(struct daemon *d)
{
	struct err e = ERR_NONE;
	struct app_key *q;

	(void)err_set(&e, ERR_BAD_STATE, "the daemon is ending");
	while ((q = d->app_keys) != NULL) {
		if (q->http)
			http_call_cancel(q->http);
		fail(q, &e);
	}
}
