/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/keys_kms.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "data/app_keys_file.h"
#include "data/json.h"
#include "data/sys_config.h"
#include "guest-stub/kms_answer.h"
#include "loop/tls_call.h"
#include "loop/tls_url.h"
#include "tee/ratls_cert.h"

enum { SERVER_ERRORS = 500, TOO_MANY = 429, HEX_SIZE = 2 * KMS_ANSWER_SPKI_MAX + 1 };

/* One of the URLs. */
struct target {
	char base[APP_KEYS_FILE_URL_MAX]; /* with /prpc */
	bool is_over; /* it answered, and not with keys: asking again is no use */
	bool says_no; /* and it is the KMS that the app means */
	unsigned int n_tries;
	struct err first; /* why not */
	uint64_t until;	  /* its share of the time that is left */
};

/*
 * Call a method, for at most @most_ms.  Return: 0 and the answer to status 200; negative, and @t is over if it did
 * answer.  Whatever a server of the root says, be it no, counts only of one that is a KMS: apps have its certificates.
 */
static int call(struct target *t, const char *method, unsigned int most_ms,
		struct tls_call_options *o, struct tls_call_answer *ret, struct err *e)
{
	auto_free char *url = xasprintf("%s/%s?json", t->base, method);
	uint64_t now = time_mono_ms(), left = t->until > now ? t->until - now : 1;
	char why[KMS_ANSWER_ERROR_SIZE];
	int r, status;

	o->method = "POST";
	o->url = url;
	o->connect_ms = KEYS_KMS_CONNECT_MS;
	o->timeout_ms = left < most_ms ? (unsigned int)left : most_ms;
	o->reply_max = KMS_ANSWER_MAX;
	r = tls_call(o, ret, e);
	if (r < 0) {
		/* a certificate that is not the KMS's will not become it; the rest may pass */
		t->is_over = r == ERR_CRYPTO || r == ERR_INPUT;
		return err_wrap(e, r, "%s", method);
	}
	if (o->trust == TLS_CALL_CA && kms_answer_server(ret->cert.p, ret->cert.n, e) < 0) {
		t->is_over = true;
		tls_call_answer_deinit(ret);
		return err_wrap(e, ERR_PROTO, "%s: %s", t->base, method);
	}
	status = ret->status;
	if (status == 200)
		return 0;
	t->is_over = status < SERVER_ERRORS && status != TOO_MANY;
	t->says_no = t->is_over && o->trust == TLS_CALL_CA;
	(void)err_set(e, ERR_PROTO, "%s: %s: %s", t->base, method,
		      kms_answer_error(ret->body.p, ret->body.n, status, why));
	tls_call_answer_deinit(ret);
	return ERR_PROTO;
}

/* Is it the KMS that the app means? */
static int check_pin(const struct keys_kms_args *a, const struct kms_temp_ca *ca, struct err *e)
{
	char is[HEX_SIZE];

	if (a->n_pin == 0 || (a->n_pin == ca->n_spki && memcmp(a->pin, ca->spki, a->n_pin) == 0))
		return 0;
	str_hex(is, ca->spki, ca->n_spki);
	return err_set(e, ERR_PROTO,
		       "Unexpected key provider id: %s, which is not the key_provider_id that the "
		       "app pins",
		       is);
}

static int get_temp_ca(const struct keys_kms_args *a, struct target *t, struct kms_temp_ca *ret,
		       struct err *e)
{
	struct tls_call_options o = { .body = "{}", .n_body = 2, .trust = TLS_CALL_ANYBODY };
	struct tls_call_answer answer;
	int r = call(t, "GetTempCaCert", KEYS_KMS_GREET_MS, &o, &answer, e);

	if (r < 0)
		return r;
	t->is_over = true; /* whatever is wrong now is wrong tomorrow */
	r = kms_answer_temp_ca(answer.body.p, answer.body.n, ret, e);
	if (r == 0)
		r = check_pin(a, ret, e);
	secret_wipe(answer.body.p, answer.body.n);
	tls_call_answer_deinit(&answer);
	if (r < 0)
		return err_wrap(e, r, "%s", t->base);
	t->is_over = false;
	return 0;
}

/* Who we are: a certificate with our attestation, of the CA that anybody may sign with. */
static int make_cert(const struct keys_kms_args *a, const struct kms_temp_ca *ca, struct buf *ret,
		     struct err *e)
{
	auto_p256_key struct p256_key signer = { .point = { 0 } };
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	uint8_t spki[P256_SPKI];
	const struct ratls_cert_args args = {
		.common_name = { RATLS_CN_TEMP, strlen(RATLS_CN_TEMP) },
		.key = spki,
		.n_key = sizeof(spki),
		.issuer_cert = ca->cert,
		.issuer_key = &signer,
		.not_before = now - RATLS_CERT_CLOCK_SLACK_S,
		.not_after = now + RATLS_CERT_LIFE_S,
		.attestation = a->attestation,
		.n_attestation = a->n_attestation,
	};
	int r;

	p256_key_spki(a->key, spki);
	r = p256_key_from_pem(ca->key, strlen(ca->key), &signer, e);
	if (r == 0)
		r = ratls_cert_make(&args, ret, e);
	return r < 0 ? err_wrap(e, r, "make a certificate with its temporary CA") : 0;
}

static int get_app_key(const struct keys_kms_args *a, struct target *t,
		       const struct kms_temp_ca *ca, struct app_keys_file *ret, struct err *e)
{
	auto_secret_str char *key = p256_key_pem(a->key);
	auto_buf struct buf cert = BUF_MAX(RATLS_CERT_PEM_MAX);
	json_auto_t *ask = json_pack("{s:i, s:s}", "api_version", 1, "vm_config", a->vm_config);
	auto_free char *body = ask ? json_compact_ascii(ask) : xstrdup("");
	struct tls_call_options o = { .body = body,
				      .n_body = strlen(body),
				      .trust = TLS_CALL_CA,
				      .ca = ca->root,
				      .key = key };
	struct tls_call_answer answer;
	int r = make_cert(a, ca, &cert, e);

	if (r < 0) {
		t->is_over = true;
		return err_wrap(e, r, "%s", t->base);
	}
	o.cert = (const char *)cert.p;
	r = call(t, "GetAppKey", KEYS_KMS_CALL_MS, &o, &answer, e);
	if (r < 0)
		return r;
	t->is_over = true;
	r = kms_answer_app_keys(answer.body.p, answer.body.n, ca->spki, ca->n_spki, ret, e);
	secret_wipe(answer.body.p, answer.body.n);
	tls_call_answer_deinit(&answer);
	return r < 0 ? err_wrap(e, r, "%s", t->base) : 0;
}

static int try_one(const struct keys_kms_args *a, struct target *t, struct app_keys_file *ret,
		   struct err *e)
{
	auto_kms_temp_ca struct kms_temp_ca ca = { .cert = NULL };
	auto_app_keys_file struct app_keys_file keys = { .provider = APP_KEY_PROVIDER_KMS };
	int r = get_temp_ca(a, t, &ca, e);

	if (r == 0)
		r = get_app_key(a, t, &ca, &keys, e);
	if (r < 0)
		return r;
	keys.url = xstrdup(t->base);
	keys.tmp_ca_cert = steal_ptr(&ca.cert);
	keys.tmp_ca_key = steal_ptr(&ca.key);
	*ret = keys;
	keys = (struct app_keys_file){ .provider = APP_KEY_PROVIDER_NONE };
	return 0;
}

/* What @at may take of the time that is left, so that one that hangs leaves as much to each that comes after it. */
static uint64_t until(const struct keys_kms_args *a, const struct target *targets, size_t at)
{
	uint64_t now = time_mono_ms();
	size_t i, n = 0;

	for (i = at; i < a->n_urls; i++)
		n += !targets[i].is_over;
	return a->deadline > now ? now + (a->deadline - now) / n : now;
}

/*
 * Each that is left, once.  Return: 0 with keys; 1 if some may be tried again; negative if none may, or if the KMS
 * itself said no: another of the same root would say the same.
 */
static int try_all(const struct keys_kms_args *a, struct target *targets, struct app_keys_file *ret)
{
	bool is_refused = false;
	int r = ERR_MISSING;
	size_t i;

	for (i = 0; i < a->n_urls; i++) {
		struct target *t = &targets[i];
		struct err e = ERR_NONE;

		if (t->is_over || time_mono_ms() >= a->deadline)
			continue;
		t->until = until(a, targets, i);
		if (try_one(a, t, ret, &e) == 0) {
			log_info("keys: from %s", t->base);
			return 0;
		}
		log_warn("keys: %s", e.text);
		if (t->n_tries++ == 0 || t->is_over)
			t->first = e;
		if (!t->is_over)
			r = 1;
		is_refused |= t->says_no;
	}
	return is_refused ? ERR_MISSING : r;
}

/* A URL has host and port only: a path would let the host say what a KMS is asked, in our name. */
static bool is_kms_url(const char *url, size_t n)
{
	auto_free char *text = xasprintf("%.*s", (int)n, url);
	struct tls_url u;

	return str_starts(text, "https://") && !strpbrk(text + strlen("https://"), "/?#") &&
	       tls_url_parse(text, &u, NULL) == 0;
}

static void set_targets(const struct keys_kms_args *a, struct target *targets)
{
	size_t i, n;

	for (i = 0; i < a->n_urls; i++) {
		struct target *t = &targets[i];

		n = strlen(a->urls[i]);
		while (n > 0 && a->urls[i][n - 1] == '/')
			n--;
		t->is_over =
			n > sizeof(t->base) || !is_kms_url(a->urls[i], n) ||
			str_format(t->base, sizeof(t->base), "%.*s/prpc", (int)n, a->urls[i]) < 0;
		if (t->is_over)
			(void)err_set(&t->first, ERR_INPUT,
				      "KMS URL %zu is not https://HOST[:PORT], or too long", i + 1);
	}
}

/* What was wrong with each, as much of each as all can have. */
static int tell(const struct keys_kms_args *a, const struct target *targets, bool may_pass,
		struct err *e)
{
	char text[sizeof(e->text)] = "";
	size_t i, at = 0, share = (sizeof(text) - 64) / a->n_urls;

	for (i = 0; i < a->n_urls && at + 8 < sizeof(text); i++) {
		const struct target *t = &targets[i];
		const char *why = t->first.text[0] ? t->first.text : "not tried: no time was left";
		int n = snprintf(text + at, sizeof(text) - at, "%s%.*s", i ? "; " : "",
				 (int)(share < 40 ? 40 : share), why);

		at = n > 0 ? at + (size_t)n : at;
	}
	return err_set(e,
		       may_pass		       ? -EAGAIN
		       : targets[0].first.code ? targets[0].first.code
					       : ERR_MISSING,
		       "Failed to get app keys from KMS: %s", text);
}

int keys_kms_get(const struct keys_kms_args *a, struct app_keys_file *ret, struct err *e)
{
	auto_free struct target *targets = xcalloc(a->n_urls + 1, sizeof(*targets));
	uint64_t end = time_mono_ms() + a->retry_ms;
	unsigned int pause = a->pause_ms;
	int r;

	end = end < a->deadline ? end : a->deadline;
	if (a->n_urls == 0)
		return err_set(e, ERR_INPUT, "No KMS URLs are set");
	if (a->n_pin == 0 && !a->may_be_unpinned)
		return err_set(e, ERR_INPUT, "the app does not say which KMS it means");
	set_targets(a, targets);
	while ((r = try_all(a, targets, ret)) > 0) {
		if (time_mono_ms() + pause >= end)
			break;
		(void)poll(NULL, 0, (int)pause);
		pause = 2 * pause < KEYS_KMS_PAUSE_MAX_MS ? 2 * pause : KEYS_KMS_PAUSE_MAX_MS;
	}
	return r == 0 ? 0 : tell(a, targets, r > 0, e);
}
