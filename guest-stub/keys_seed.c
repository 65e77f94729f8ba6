/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/keys_seed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "crypto/x25519.h"
#include "data/app_keys_file.h"
#include "data/json.h"
#include "guest-stub/host_call.h"
#include "guest-stub/kms_answer.h"
#include "guest-stub/vsock_url.h"
#include "tee/app_keys.h"
#include "tee/ratls_cert.h"
#include "tee/report_data.h"
#include "tee/tee.h"
#include "wire/attestation.h"

#define METHOD "GetSealingKey"

static int take_hex(const json_t *o, const char *key, struct buf *ret, struct err *e)
{
	const char *hex = json_get_str(o, key, "");
	size_t n = strlen(hex) / 2;

	if (n == 0 || buf_reserve(ret, n) < 0 || str_unhex(ret->p, n, hex) < 0)
		return err_set(e, ERR_PROTO, METHOD ": %s is not bytes in hex", key);
	ret->n = n;
	return 0;
}

int keys_seed_answer(const void *p, size_t n, struct buf *ret_encrypted_key,
		     struct buf *ret_provider_quote, struct err *e)
{
	auto_buf struct buf key = BUF_MAX(KEYS_SEED_REPLY_MAX),
			    quote = BUF_MAX(KEYS_SEED_REPLY_MAX);
	json_auto_t *o = NULL;
	int r = json_parse(p, n, KEYS_SEED_REPLY_MAX, METHOD, &o, e);

	if (r == 0)
		r = take_hex(o, "encrypted_key", &key, e);
	if (r == 0)
		r = take_hex(o, "provider_quote", &quote, e);
	if (r < 0)
		return r == ERR_LIMIT ? r : ERR_PROTO;
	*ret_encrypted_key = key;
	*ret_provider_quote = quote;
	key = quote = BUF_MAX(0);
	return 0;
}

/* Send the quote to the host, who passes it on.  @answer gets the bytes of the reply. */
static int ask_host(const char *host_api_url, const struct buf *quote, struct buf *answer,
		    struct err *e)
{
	auto_free char *hex = xcalloc(2, quote->n + 1);
	auto_free char *body = NULL;
	char why[KMS_ANSWER_ERROR_SIZE];
	struct vsock_url url;
	const struct host_call c = { .url = &url,
				     .method = METHOD,
				     .timeout_ms = KEYS_SEED_HOST_MS };
	struct host_call call = c;
	int status = 0, r;

	if (!host_api_url || !*host_api_url)
		return err_set(e, ERR_INPUT,
			       "the host gave no host_api_url, and only it leads to the provider");
	r = vsock_url_parse(host_api_url, &url, e);
	if (r < 0)
		return err_wrap(e, r, "host_api_url");
	str_hex(hex, quote->p, quote->n);
	body = xasprintf("{\"quote\":\"%s\"}", hex);
	call.body = body;
	call.n = strlen(body);
	r = host_call_read(&call, &status, answer, e);
	if (r == 0 && status != 200)
		r = err_set(e, ERR_PROTO, METHOD ": the host says: %s",
			    kms_answer_error(answer->p, answer->n, status, why));
	return r;
}

/* What another try does not mend: our own input, and a host that has no provider. */
static bool is_final(int rc, const struct err *e)
{
	return rc == ERR_INPUT || rc == ERR_LIMIT || strstr(e->text, "not enabled");
}

/*
 * After a restart of its host a guest may be there before the provider, or before the network by which that has its
 * collateral.  Who refuses hangs up in the same way, so all of it is tried again for a while.
 */
static int ask_patiently(const struct keys_seed_local *a, const struct buf *quote,
			 struct buf *answer, struct err *e)
{
	uint64_t end = time_mono_ms() + a->retry_ms;
	unsigned int pause = KEYS_SEED_PAUSE_MS;
	struct err why = ERR_NONE;
	int r;

	end = end < a->deadline ? end : a->deadline;
	while ((r = ask_host(a->host_api_url, quote, answer, &why)) < 0) {
		if (is_final(r, &why))
			return err_set(e, r, "%s", why.text);
		if (time_mono_ms() + pause >= end)
			return err_set(e, -EAGAIN, "%s", why.text);
		log_warn("keys: no key of the local key provider yet, asking again: %s", why.text);
		buf_drop(answer, answer->n);
		(void)poll(NULL, 0, (int)pause);
		pause *= 2;
	}
	return 0;
}

/* A quote over a public key whose secret is ours alone. */
static int quote_key(const struct tee *t, const struct secret32 *secret, struct buf *ret,
		     struct err *e)
{
	uint8_t report_data[TEE_REPORT_DATA_SIZE] = { 0 };
	int r = x25519_public(secret, report_data, e);

	return r ? r : tee_quote(t, report_data, ret, e);
}

int keys_seed_local(const struct keys_seed_local *a, struct provider_found *ret, struct err *e)
{
	auto_secret struct secret32 secret;
	auto_buf struct buf quote = BUF_MAX(TEE_QUOTE_MAX), answer = BUF_MAX(KEYS_SEED_REPLY_MAX);
	auto_buf struct buf key = { 0 }, proof = { 0 };
	struct provider_check_args check = {
		.secret = &secret,
		.pin = a->pin,
		.n_pin = a->n_pin,
		.may_be_unpinned = a->may_be_unpinned,
		.collateral = a->collateral,
		.arg = a->arg,
		.root = a->root,
		.at = (int64_t)(time_unix_ms() / 1000),
	};
	int r;

	secret_random(secret.b, sizeof(secret.b));
	r = quote_key(a->tee, &secret, &quote, e);
	if (r == 0)
		r = ask_patiently(a, &quote, &answer, e);
	if (r == 0)
		r = keys_seed_answer(answer.p, answer.n, &key, &proof, e);
	if (r == 0) {
		check.encrypted_key = key.p;
		check.n_encrypted_key = key.n;
		check.provider_quote = proof.p;
		check.n_provider_quote = proof.n;
		check.quote = quote.p;
		check.n_quote = quote.n;
		r = provider_check(&check, ret, e);
	}
	return r < 0 ? err_wrap(e, r, "Failed to get the key of the local key provider") : 0;
}

static int make_root_cert(const struct p256_key *key, const struct buf *attestation,
			  struct app_keys_file *to, struct err *e)
{
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	const struct ratls_cert_args args = {
		.common_name = { RATLS_CN_APP_ROOT, strlen(RATLS_CN_APP_ROOT) },
		.issuer_key = key,
		.is_ca = true,
		.path_length = 1,
		.not_before = now - RATLS_CERT_CLOCK_SLACK_S,
		.not_after = now + RATLS_CERT_LIFE_S,
		.attestation = attestation->p,
		.n_attestation = attestation->n,
	};
	int r;

	to->ca_key = p256_key_pem(key);
	r = ratls_cert_make(&args, &pem, e);
	if (r == 0)
		to->ca_cert = buf_take_str(&pem);
	return r;
}

int keys_seed_derive(const struct secret32 *seed, enum app_key_provider provider,
		     keys_seed_attest_fn attest, void *arg, struct app_keys_file *ret,
		     struct err *e)
{
	auto_app_keys struct app_keys keys = { .has_env = false };
	auto_app_keys_file struct app_keys_file f = { .provider = provider };
	auto_buf struct buf attestation = BUF_MAX(ATTESTATION_SIZE_MAX);
	uint8_t spki[P256_SPKI];
	struct report_data d;
	struct err why = ERR_NONE;
	int r = app_keys_from_seed(seed, &keys, e);

	if (r < 0)
		return r;
	f.disk = keys.disk;
	f.k256 = keys.k256;
	f.gateway_app_id = xstrdup("");
	p256_key_spki(&keys.ca, spki);
	ratls_cert_report_data(spki, sizeof(spki), &d);
	if (attest(arg, d.b, &attestation, &why) < 0)
		log_warn("keys: the app's root certificate has no attestation: %s", why.text);
	r = make_root_cert(&keys.ca, &attestation, &f, e);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct app_keys_file){ .provider = APP_KEY_PROVIDER_NONE };
	return 0;
}
