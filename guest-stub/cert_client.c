/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/cert_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/p256.h"
#include "crypto/ratls.h"
#include "data/app_keys_file.h"
#include "data/json.h"
#include "guest-stub/about.h"
#include "guest-stub/cert_info.h"
#include "guest-stub/guest_tee.h"
#include "guest-stub/kms_answer.h"
#include "guest-stub/quoting.h"
#include "loop/tls_call.h"
#include "loop/work.h"
#include "tee/csr.h"
#include "tee/evidence.h"
#include "tee/ratls_cert.h"
#include "tee/report_data.h"
#include "wire/attestation.h"

struct cert_client {
	struct cert_client_args a;
	unsigned int n_jobs;
};

/* One certificate.  All of it is the worker's from work_start() until the loop has it back. */
struct job {
	struct cert_client *client;
	cert_client_done_fn done;
	void *arg;
	struct p256_key key;
	uint8_t spki[P256_SPKI];
	struct cert_config config; /* texts are the job's own */
	char **alt_names;
	struct buf attestation;
	struct cert_info info; /* if it wants it */
	struct cert_result result;
	char *chain[CERT_CLIENT_CHAIN_MAX];
};

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void job_free(struct job *j)
{
	size_t i;

	p256_key_wipe(&j->key);
	free(mem_unconst(j->config.organization)); /* our copies */
	free(mem_unconst(j->config.subject));
	for (i = 0; i < j->config.n_alt_names; i++)
		free(j->alt_names[i]);
	free(j->alt_names);
	buf_deinit(&j->attestation);
	for (i = 0; i < CERT_CLIENT_CHAIN_MAX; i++)
		free(j->chain[i]);
	free(j);
}

static struct job *job_new(struct cert_client *c, const struct cert_config *config,
			   const struct p256_key *key)
{
	struct job *j = xnew(struct job);
	size_t i;

	j->client = c;
	j->key = *key;
	p256_key_spki(key, j->spki);
	j->config = *config;
	j->config.organization = copy(config->organization);
	j->config.subject = xstrdup(config->subject ? config->subject : "");
	j->alt_names = xcalloc(config->n_alt_names + 1, sizeof(*j->alt_names));
	for (i = 0; i < config->n_alt_names; i++)
		j->alt_names[i] = xstrdup(config->alt_names[i]);
	j->config.alt_names = (const char *const *)j->alt_names;
	j->attestation = BUF_MAX(ATTESTATION_SIZE_MAX);
	return j;
}

/* ---- by the app's own CA ---- */

static int sign_here(struct job *j, struct err *e)
{
	const struct app_keys_file *keys = j->client->a.keys;
	const struct cert_config *c = &j->config;
	int64_t now = (int64_t)(time_unix_ms() / 1000);
	auto_free struct ratls_cert_text *names = xcalloc(c->n_alt_names + 1, sizeof(*names));
	auto_p256_key struct p256_key ca = { .point = { 0 } };
	auto_buf struct buf pem = BUF_MAX(RATLS_CERT_PEM_MAX);
	struct ratls_cert_args a = {
		.common_name = { c->subject, strlen(c->subject) },
		.organisation = { c->organization, c->organization ? strlen(c->organization) : 0 },
		.alt_names = names,
		.n_alt_names = c->n_alt_names,
		.key = j->spki,
		.n_key = sizeof(j->spki),
		.issuer_cert = keys->ca_cert,
		.issuer_key = &ca,
		.for_server = c->server_auth,
		.for_client = c->client_auth,
		.not_before = now - RATLS_CERT_CLOCK_SLACK_S,
		.not_after = now + RATLS_CERT_LIFE_S,
		.usage = RATLS_USAGE_APP_CUSTOM,
		.app_info = c->with_app_info ? &j->info.info : NULL,
	};
	size_t i;
	int r;

	if (c->has_not_before)
		a.not_before = (int64_t)c->not_before;
	if (c->has_not_after)
		a.not_after = (int64_t)c->not_after;
	if (c->with_quote) {
		a.attestation = j->attestation.p;
		a.n_attestation = j->attestation.n;
	}
	for (i = 0; i < c->n_alt_names; i++)
		names[i] = (struct ratls_cert_text){ c->alt_names[i], strlen(c->alt_names[i]) };
	r = p256_key_from_pem(keys->ca_key, strlen(keys->ca_key), &ca, e);
	if (r == 0)
		r = ratls_cert_make(&a, &pem, e);
	if (r < 0)
		return r;
	j->chain[0] = buf_take_str(&pem);
	j->chain[1] = xstrdup(keys->ca_cert);
	j->result.n_chain = 2;
	return 0;
}

/* ---- by the KMS ---- */

static struct csr_bytes bytes_of(const char *s)
{
	return (struct csr_bytes){ (const uint8_t *)s, s ? strlen(s) : 0 };
}

static int write_csr(const struct job *j, struct buf *ret, struct err *e)
{
	const struct cert_config *c = &j->config;
	auto_free struct csr *csr = xnew(struct csr);
	size_t i;

	*csr = (struct csr){
		.version = CSR_V2,
		.key = { j->spki, sizeof(j->spki) },
		.subject = bytes_of(c->subject),
		.has_organisation = c->organization != NULL,
		.organisation = bytes_of(c->organization),
		.n_alt_names = c->n_alt_names,
		.wants_server_auth = c->server_auth,
		.wants_client_auth = c->client_auth,
		.wants_quote = c->with_quote,
		.wants_app_info = c->with_app_info,
		.has_not_before = c->has_not_before,
		.has_not_after = c->has_not_after,
		.not_before = c->not_before,
		.not_after = c->not_after,
		.attestation = { j->attestation.p, j->attestation.n },
	};
	for (i = 0; i < c->n_alt_names; i++)
		csr->alt_names[i] = bytes_of(c->alt_names[i]);
	return csr_write(csr, ret, e);
}

static json_t *hex_of(const struct buf *b)
{
	auto_free char *hex = xcalloc(2, b->n + 1);

	str_hex(hex, b->p, b->n);
	return json_string(hex);
}

/* The body of SignCert.  The caller frees it. */
static int write_body(const struct job *j, char **ret, struct err *e)
{
	auto_buf struct buf csr = BUF_MAX(CSR_SIZE_MAX), signature = BUF_MAX(CSR_SIGNATURE_MAX);
	json_t *o;
	int r = write_csr(j, &csr, e);

	if (r == 0)
		r = csr_sign(csr.p, csr.n, &j->key, &signature, e);
	if (r < 0)
		return r;
	o = json_pack("{s:i, s:o, s:o, s:s}", "api_version", CSR_V2, "csr", hex_of(&csr),
		      "signature", hex_of(&signature), "vm_config", j->client->a.about->vm_config);
	*ret = json_compact_ascii(o);
	json_decref(o);
	return 0;
}

/* Is the first of the chain for our key? */
static int check_leaf(const struct job *j, struct err *e)
{
	struct ratls of = { .key.p = NULL };
	int r = ratls_read(j->chain[0], strlen(j->chain[0]), &of, e);

	if (r == 0 &&
	    (of.key.n != sizeof(j->spki) || memcmp(of.key.p, j->spki, sizeof(j->spki)) != 0))
		r = err_set(e, ERR_PROTO, "SignCert: the certificate is for another key");
	ratls_deinit(&of);
	return r;
}

static int take_answer(struct job *j, const struct tls_call_answer *answer, struct err *e)
{
	char why[KMS_ANSWER_ERROR_SIZE];
	int r = kms_answer_server(answer->cert.p, answer->cert.n, e);

	if (r == 0 && answer->status != 200)
		r = err_set(e, ERR_PROTO, "SignCert: %s",
			    kms_answer_error(answer->body.p, answer->body.n, answer->status, why));
	if (r == 0)
		r = kms_answer_chain(answer->body.p, answer->body.n, j->chain, &j->result.n_chain,
				     e);
	return r ? r : check_leaf(j, e);
}

static int sign_by_kms(struct job *j, struct err *e)
{
	const struct app_keys_file *keys = j->client->a.keys;
	auto_free char *url = xasprintf("%s/SignCert?json", keys->url);
	auto_free char *body = NULL;
	struct tls_call_options o = { .method = "POST",
				      .url = url,
				      .trust = TLS_CALL_CA,
				      .ca = keys->ca_cert,
				      .timeout_ms = CERT_CLIENT_MS,
				      .reply_max = KMS_ANSWER_MAX };
	struct tls_call_answer answer;
	int r = write_body(j, &body, e);

	if (r < 0)
		return r;
	o.body = body;
	o.n_body = strlen(body);
	r = tls_call(&o, &answer, e);
	if (r < 0)
		return r;
	r = take_answer(j, &answer, e);
	tls_call_answer_deinit(&answer);
	return r < 0 ? err_wrap(e, r, "%s", keys->url) : 0;
}

/* ---- the way of a job ---- */

static bool is_signed_by_kms(const struct cert_client *c)
{
	return c->a.keys->provider == APP_KEY_PROVIDER_KMS;
}

static void run(void *arg)
{
	struct job *j = arg;

	j->result.r = is_signed_by_kms(j->client) ? sign_by_kms(j, &j->result.e)
						  : sign_here(j, &j->result.e);
}

static void finish(void *arg)
{
	struct job *j = arg;
	size_t i;

	j->client->n_jobs--;
	for (i = 0; i < j->result.n_chain; i++)
		j->result.chain[i] = j->chain[i];
	j->done(j->arg, &j->result);
	job_free(j);
}

static void on_quote(void *arg, const struct quoting_result *q)
{
	struct job *j = arg;
	const struct evidence ev = {
		.boot = &j->client->a.tee->boot,
		.runtime = &q->runtime,
		.quote = q->quote.p,
		.n_quote = q->quote.n,
		.report_data = q->report_data,
		.vm_config = j->client->a.about->vm_config,
	};

	j->result.r = q->r;
	j->result.e = q->e;
	if (q->r == 0)
		j->result.r = evidence_attestation(&ev, &j->attestation, &j->result.e);
	if (j->result.r < 0)
		finish(j);
	else
		work_start(j->client->a.loop, run, finish, j);
}

static int check_text(const char *what, const char *s, struct err *e)
{
	if (s && strlen(s) > CERT_CLIENT_TEXT_MAX)
		return err_set(e, ERR_INPUT, "%s has %zu bytes, at most %d", what, strlen(s),
			       CERT_CLIENT_TEXT_MAX);
	return 0;
}

static int check(const struct cert_config *c, struct err *e)
{
	int r = check_text("subject", c->subject, e);
	size_t i;

	if (c->has_not_before && c->has_not_after && c->not_before >= c->not_after)
		return err_set(e, ERR_INPUT, "not_before must be earlier than not_after");
	if ((c->has_not_before && c->not_before > INT64_MAX) ||
	    (c->has_not_after && c->not_after > INT64_MAX))
		return err_set(e, ERR_INPUT, "a date is too far away");
	if (c->n_alt_names > CERT_CLIENT_NAMES_MAX)
		return err_set(e, ERR_INPUT, "%zu alt_names, at most %d", c->n_alt_names,
			       CERT_CLIENT_NAMES_MAX);
	if (r == 0)
		r = check_text("organization", c->organization, e);
	for (i = 0; r == 0 && i < c->n_alt_names; i++)
		r = check_text("one of alt_names", c->alt_names[i], e);
	return r;
}

struct cert_client *cert_client_new(const struct cert_client_args *a)
{
	struct cert_client *c = xnew(struct cert_client);

	c->a = *a;
	return c;
}

void cert_client_free(struct cert_client *c)
{
	free(c);
}

int cert_client_sign(struct cert_client *c, const struct cert_config *config,
		     const struct p256_key *key, cert_client_done_fn done, void *arg, struct err *e)
{
	struct report_data d;
	struct job *j;
	int r = check(config, e);

	if (r < 0)
		return r;
	if (c->n_jobs >= CERT_CLIENT_MAX) {
		return err_set(e, ERR_LIMIT,
			       "%d certificates are being signed already, try again later",
			       CERT_CLIENT_MAX);
	}
	j = job_new(c, config, key);
	j->done = done;
	j->arg = arg;
	if (config->with_app_info)
		r = cert_info_of(c->a.about, &c->a.tee->tee, &j->info, e);
	if (r == 0 && (config->with_quote || is_signed_by_kms(c))) {
		ratls_cert_report_data(j->spki, sizeof(j->spki), &d);
		r = quoting_take(c->a.quotes, d.b, false, on_quote, j, e);
	} else if (r == 0) {
		work_start(c->a.loop, run, finish, j);
	}
	if (r < 0)
		job_free(j);
	else
		c->n_jobs++;
	return r;
}
