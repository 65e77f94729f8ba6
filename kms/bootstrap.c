/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source is asked twice.  The first time nothing is known of it but the key of its certificate, which the handshake
 * proves and the attestation vouches for; what it then says of its CA is therefore true, and the second connection is
 * held to that CA.
 */
#include "kms/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/keccak.h"
#include "crypto/ratls.h"
#include "data/json.h"
#include "kms/agent.h"
#include "kms/authoriser.h"
#include "kms/config.h"
#include "kms/grant.h"
#include "kms/kms.h"
#include "kms/seal.h"
#include "kms/verifier.h"
#include "loop/tls_call.h"
#include "tee/ratls_cert.h"

enum {
	INFO_MAX = 24 * 1024 * 1024,
	ANSWER_MAX = 256 * 1024,
	CALL_MS = 60 * 1000,
	STATUS_OK = 200,
	REPORT_DATA = 64,
};

static int64_t now_s(void)
{
	return (int64_t)(time_unix_ms() / 1000);
}

static int has_none(const struct kms *k, struct err *e)
{
	if (faccessat(k->state, KMS_KEYS_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, ERR_CONFLICT, "KMS has already been bootstrapped");
	return errno == ENOENT ? 0 : err_errno(e, errno, "cannot look for %s", KMS_KEYS_FILE);
}

/* Certificates, then the file: from here on there are keys. */
static int commit(struct kms *k, struct kms_keys *keys, struct err *e)
{
	auto_secret struct secret32 seal = { { 0 } };
	int rc = kms_keys_certify(keys, now_s(), e);

	if (rc >= 0)
		rc = seal_key(k->config, &seal, e);
	inject_point("kms.bootstrap.commit");
	if (rc >= 0)
		rc = kms_keys_store(k->state, &seal, keys, e);
	return rc < 0 ? rc : 0;
}

static void report_data_of(const struct kms_keys *keys, uint8_t ret[static REPORT_DATA])
{
	char ca[2 * P256_SPKI + 1], k256[2 * K256_PUBLIC + 1];
	const struct digest_part parts[] = { { "dstack-kms-genereted-keys-v1:", 29 },
					     { ca, 2 * P256_SPKI },
					     { ";", 1 },
					     { k256, 2 * K256_PUBLIC },
					     { ";", 1 } };
	struct digest256 d;

	str_hex(ca, keys->ca_spki, P256_SPKI);
	str_hex(k256, keys->k256_public, K256_PUBLIC);
	d = keccak256_of(parts, sizeof(parts) / sizeof(*parts));
	memset(ret, 0, REPORT_DATA);
	memcpy(ret, d.b, sizeof(d.b));
}

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

/* For whoever wants to see that these keys were made in a TD. */
static int tell(const struct kms *k, const struct kms_keys *keys, struct err *e)
{
	auto_buf struct buf attestation = BUF_MAX(AGENT_ATTESTATION_MAX);
	json_auto_t *o = json_object();
	uint8_t report_data[REPORT_DATA];
	int rc = 0;

	report_data_of(keys, report_data);
	if (k->config->agent)
		rc = agent_attest(k->config->agent, report_data, &attestation, e);
	if (rc < 0)
		return rc;
	put_hex(o, "ca_pubkey", keys->ca_spki, P256_SPKI);
	put_hex(o, "k256_pubkey", keys->k256_public, K256_PUBLIC);
	put_hex(o, "attestation", attestation.p, attestation.n);
	return json_write_file(k->state, BOOTSTRAP_FILE, 0644, o, e);
}

void bootstrap_read(struct kms *k)
{
	json_auto_t *o = NULL;
	const char *hex;
	size_t n;

	if (json_read_file(k->state, BOOTSTRAP_FILE, INFO_MAX, &o, NULL) < 0)
		return;
	hex = json_get_str(o, "attestation", "");
	n = strlen(hex) / 2;
	free(k->bootstrap);
	k->bootstrap = xcalloc(1, n + 1);
	k->n_bootstrap = str_unhex(k->bootstrap, n, hex) == 0 ? n : 0;
}

/* An attestation for a key that is used once, and what it says of us. */
static int know_self(struct kms *k, const struct p256_key *key, struct buf *attestation,
		     struct err *e)
{
	int rc = kms_attest(k, key, attestation, e);

	if (rc == 0 && k->config->checks_self)
		rc = kms_know_self(k, key, attestation, e);
	return rc < 0 ? rc : kms_check_self(k, e);
}

int bootstrap_make(struct kms *k, struct err *e)
{
	auto_kms_keys struct kms_keys keys = { .ca_cert = NULL };
	auto_p256_key struct p256_key once = { .point = { 0 } };
	auto_buf struct buf attestation = BUF_MAX(AGENT_ATTESTATION_MAX);
	int rc = has_none(k, e);

	if (rc == 0)
		rc = p256_key_random(&once, e);
	if (rc == 0 && k->config->checks_self)
		rc = know_self(k, &once, &attestation, e);
	if (rc == 0)
		rc = kms_keys_random(&keys, e);
	if (rc == 0)
		rc = tell(k, &keys, e);
	if (rc == 0)
		rc = commit(k, &keys, e);
	if (rc == 0)
		log_info("kms: root keys were made");
	return rc;
}

/* --- from another KMS ------------------------------------------------------------------------ */

/* What the source said first. */
struct source {
	const char *url;
	json_t *temp;		 /* temp_ca_cert, temp_ca_key, ca_cert */
	struct p256_key own;	 /* of our certificate */
	struct p256_key temp_ca; /* that signs it */
	char *cert, *key;	 /* ours, PEM */
};

static void source_deinit(struct source *s)
{
	json_decref(s->temp);
	p256_key_wipe(&s->own);
	p256_key_wipe(&s->temp_ca);
	free(s->cert);
	secret_str_free(s->key);
}

static int call(const struct source *s, const char *method, const struct tls_call_options *with,
		struct tls_call_answer *ret, json_t **ret_json, struct err *e)
{
	auto_free char *url = xasprintf("%s/prpc/%s?json", s->url, method);
	struct tls_call_options o = *with;
	int rc;

	o.method = "POST";
	o.url = url;
	o.content_type = "application/json";
	o.timeout_ms = CALL_MS;
	o.reply_max = ANSWER_MAX;
	rc = tls_call(&o, ret, e);
	if (rc < 0)
		return rc;
	rc = json_parse(ret->body.p, ret->body.n, ANSWER_MAX, "the source's answer", ret_json, e);
	secret_wipe(ret->body.p, ret->body.n);
	if (rc == 0 && ret->status != STATUS_OK) {
		char why[256];
		const char *text = json_get_str(*ret_json, "error", "it did not say why");

		rc = err_set(e, ERR_PROTO, "%s: %s", method,
			     str_escape(why, sizeof(why), text, strlen(text)));
	}
	if (rc < 0)
		tls_call_answer_deinit(ret);
	return rc;
}

static int read_certificate(const struct tls_call_answer *a, struct ratls *ret, struct err *e)
{
	int rc = ratls_read(a->cert.p, a->cert.n, ret, e);

	if (rc == 0 && !str_equal(ret->usage, RATLS_USAGE_KMS_RPC)) {
		rc = err_set(e, ERR_PROTO, "Invalid server cert usage: %s",
			     *ret->usage ? ret->usage : "none");
		ratls_deinit(ret);
	}
	return rc;
}

/* Is the source a KMS that may have keys?  If not, what it gives may be anybody's. */
static int check_source(struct kms *k, const struct tls_call_answer *a, struct err *e)
{
	struct ratls cert;
	struct verified v = { .peer = NULL };
	struct grant g = { .is_allowed = false };
	int rc = read_certificate(a, &cert, e);

	if (rc < 0)
		return rc;
	if (!cert.attestation.p) {
		rc = err_set(e, ERR_PROTO, "Source KMS certificate does not contain attestation");
	} else {
		const struct verifier_request q = { .attestation = cert.attestation.p,
						    .n_attestation = cert.attestation.n,
						    .key = cert.key.p,
						    .n_key = cert.key.n,
						    .vm_config = "" };

		rc = verifier_ask(k->verifier, &q, &v, e);
	}
	if (rc == 0)
		rc = authoriser_ask(k->authoriser, AUTHORISE_KMS, &v.boot, &g, e);
	if (rc < 0)
		rc = err_wrap(e, rc, "Source KMS is not allowed for onboarding");
	else if (!g.is_allowed)
		rc = err_set(e, ERR_PROTO,
			     "Source KMS is not allowed for onboarding: boot denied: %s", g.reason);
	verified_deinit(&v);
	ratls_deinit(&cert);
	return rc;
}

static int get_temp_ca(struct kms *k, struct source *s, struct err *e)
{
	const struct tls_call_options o = { .trust = TLS_CALL_ANYBODY };
	struct tls_call_answer a = { .status = 0 };
	const char *pem;
	int rc = call(s, "GetTempCaCert", &o, &a, &s->temp, e);

	if (rc < 0)
		return rc;
	rc = check_source(k, &a, e);
	tls_call_answer_deinit(&a);
	if (rc < 0)
		return rc;
	pem = json_get_str(s->temp, "temp_ca_key", "");
	return p256_key_from_pem(pem, strlen(pem), &s->temp_ca, e);
}

/* Our certificate, in which the source finds who we are. */
static int make_own(struct kms *k, struct source *s, struct err *e)
{
	auto_buf struct buf attestation = BUF_MAX(AGENT_ATTESTATION_MAX);
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	uint8_t spki[P256_SPKI];
	struct ratls_cert_args a = { .common_name = { RATLS_CN_TEMP, strlen(RATLS_CN_TEMP) },
				     .key = spki,
				     .n_key = sizeof(spki),
				     .issuer_cert = json_get_str(s->temp, "temp_ca_cert", ""),
				     .issuer_key = &s->temp_ca,
				     .not_before = now_s() - RATLS_CERT_CLOCK_SLACK_S,
				     .not_after = now_s() + RATLS_CERT_CLOCK_SLACK_S };
	int rc = p256_key_random(&s->own, e);

	if (rc == 0)
		rc = know_self(k, &s->own, &attestation, e);
	if (rc < 0)
		return rc;
	p256_key_spki(&s->own, spki);
	a.attestation = attestation.p;
	a.n_attestation = attestation.n;
	rc = ratls_cert_make(&a, &pem, e);
	if (rc < 0)
		return rc;
	s->cert = buf_take_str(&pem);
	s->key = p256_key_pem(&s->own);
	return 0;
}

static int take_keys(const struct source *s, const json_t *answer, struct kms_keys *ret,
		     struct err *e)
{
	const json_t *list = json_object_get(answer, "keys"), *one = json_array_get(list, 0);
	const char *root = json_get_str(s->temp, "ca_cert", "");
	const char *ca_pem = json_get_str(one, "ca_key", "");
	const char *tmp_pem = json_get_str(answer, "temp_ca_key", "");
	auto_p256_key struct p256_key ca = { .point = { 0 } }, tmp = { .point = { 0 } };
	auto_secret struct secret32 k256 = { { 0 } };
	struct ratls cert = { .key = { NULL, 0 } };
	int rc;

	if (json_array_size(list) != 1)
		return err_set(e, ERR_PROTO, "Invalid keys");
	rc = p256_key_from_pem(ca_pem, strlen(ca_pem), &ca, e);
	if (rc == 0)
		rc = p256_key_from_pem(tmp_pem, strlen(tmp_pem), &tmp, e);
	if (rc == 0 && str_unhex(k256.b, sizeof(k256.b), json_get_str(one, "k256_key", "")) < 0)
		rc = err_set(e, ERR_PROTO, "Invalid keys: k256_key");
	if (rc == 0)
		rc = kms_keys_of(&ca, &k256, &tmp, ret, e);
	if (rc == 0)
		rc = ratls_read(root, strlen(root), &cert, e);
	if (rc == 0 &&
	    (cert.key.n != P256_SPKI || memcmp(cert.key.p, ret->ca_spki, P256_SPKI) != 0))
		rc = err_set(e, ERR_PROTO, "Invalid keys: not those of its root certificate");
	ratls_deinit(&cert);
	return rc;
}

static int get_keys(const struct source *s, struct kms_keys *ret, struct err *e)
{
	static const char body[] = "{\"vm_config\":\"\"}";
	const struct tls_call_options o = { .trust = TLS_CALL_CA,
					    .ca = json_get_str(s->temp, "ca_cert", ""),
					    .cert = s->cert,
					    .key = s->key,
					    .body = body,
					    .n_body = sizeof(body) - 1 };
	struct tls_call_answer a = { .status = 0 };
	struct ratls cert;
	json_t *answer = NULL;
	int rc = call(s, "GetKmsKey", &o, &a, &answer, e);

	if (rc == 0) {
		rc = read_certificate(&a, &cert, e);
		if (rc == 0)
			ratls_deinit(&cert);
		tls_call_answer_deinit(&a);
	}
	if (rc == 0)
		rc = take_keys(s, answer, ret, e);
	json_decref(answer);
	return rc;
}

int bootstrap_fetch(struct kms *k, const char *url, struct err *e)
{
	auto_kms_keys struct kms_keys keys = { .ca_cert = NULL };
	struct source s = { .url = url };
	int rc = has_none(k, e);

	if (rc == 0 && !str_starts(url, "https://"))
		rc = err_set(e, ERR_INPUT, "the source's URL does not begin with https://");
	if (rc == 0 && !k->config->agent)
		rc = err_set(e, ERR_INPUT,
			     "without the key agent there is nothing to show to the source");
	if (rc == 0)
		rc = get_temp_ca(k, &s, e);
	if (rc == 0)
		rc = make_own(k, &s, e);
	if (rc == 0)
		rc = get_keys(&s, &keys, e);
	if (rc == 0)
		rc = commit(k, &keys, e);
	source_deinit(&s);
	if (rc == 0)
		log_info("kms: root keys were fetched from another KMS");
	return rc;
}
