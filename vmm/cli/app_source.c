/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app_source.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/hex_option.h"
#include "cli/input.h"
#include "data/json.h"
#include "loop/http_client.h"

enum { NONCE_SIZE = 32, URL_MAX = 512, SHOWN = 160, STATUS_OK = 200 };

#define CALL "/prpc/Worker.GetEvidence?nonce="

bool app_source_is_url(const char *operand)
{
	return str_starts(operand, "http://") || str_starts(operand, "https://");
}

/* Only what an address needs: nothing that names a user, a query, or moves a terminal. */
static bool is_plain(const char *url)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "-._~:/[]%";
	const char *host = strstr(url, "://") + 3;

	return *host && *host != '/' && strspn(host, fit) == strlen(host);
}

static int call_url(const char *base, const struct app_source *s, char ret[static URL_MAX],
		    struct err *e)
{
	char hex[2 * REPORT_DATA_NONCE_MAX + 1];
	size_t n = strlen(base);

	if (!is_plain(base))
		return err_set(e, ERR_INPUT,
			       "no address of an app; write http://HOST:PORT or https://HOST");
	while (n > 0 && base[n - 1] == '/')
		n--;
	str_hex(hex, s->nonce, s->n_nonce);
	if (str_format(ret, URL_MAX, "%.*s" CALL "%s", (int)n, base, hex) < 0)
		return err_set(e, ERR_INPUT, "the address is too long");
	return 0;
}

static int take_nonce(const struct cli *c, bool is_url, struct app_source *s, struct err *e)
{
	int rc = hex_option(c, OPT_NONCE, s->nonce, REPORT_DATA_NONCE_MIN, REPORT_DATA_NONCE_MAX,
			    &s->n_nonce, e);

	if (rc < 0 || s->n_nonce > 0 || !is_url)
		return rc;
	if (getrandom(s->nonce, NONCE_SIZE, 0) != NONCE_SIZE)
		return err_set(e, -EIO, "no random bytes for a nonce");
	s->n_nonce = NONCE_SIZE;
	return 0;
}

/* What has no form is refused by the table of checks, not by us. */
static void take(struct app_source *s, const void *p, size_t n)
{
	if (app_evidence_read(p, n, &s->evidence, &s->fault) < 0)
		s->evidence = NULL;
}

static int read_file(struct app_source *s, const char *path, struct err *e)
{
	auto_buf struct buf b = { 0 };
	int rc = input_read(path, 2 * (size_t)APP_EVIDENCE_MAX, &b, e);

	if (rc < 0)
		return rc;
	input_unhex(&b);
	take(s, b.p, b.n);
	return 0;
}

/* A certificate with a quote in it: the attestation, or the two parts of older ones. */
static bool take_certificate(struct app_source *s)
{
	const struct ratls *r = &s->certificate;
	json_t *o;
	auto_free char *text = NULL, *quote = NULL;

	if (!r->attestation.p && !r->quote.p)
		return false;
	s->channel = APP_CHANNEL_RATLS;
	if (r->attestation.p) {
		take(s, r->attestation.p, r->attestation.n);
		return true;
	}
	quote = xcalloc(2, r->quote.n + 1);
	str_hex(quote, r->quote.p, r->quote.n);
	o = json_object();
	(void)json_object_set_new(o, "quote", json_string(quote));
	if (r->event_log.p)
		(void)json_object_set_new(
			o, "event_log", json_stringn((const char *)r->event_log.p, r->event_log.n));
	text = json_compact(o);
	take(s, text, strlen(text));
	json_decref(o);
	return true;
}

/* Why it gave none, in its own words as far as they may be shown. */
static int refused(const struct http_answer *a, struct err *e)
{
	char shown[SHOWN];
	json_t *j = NULL;
	const char *text;

	if (json_parse(a->body.p, a->body.n, APP_SOURCE_ANSWER_MAX, "answer", &j, NULL) < 0)
		j = NULL;
	text = json_get_str(j, "error", "");
	(void)err_set(e, ERR_PROTO, "it gives no evidence (status %d)%s%s", a->status,
		      *text ? ": " : "", str_escape(shown, sizeof(shown), text, strlen(text)));
	json_decref(j);
	return ERR_PROTO;
}

static int ask(struct app_source *s, const char *url, unsigned int timeout_ms, struct err *e)
{
	bool is_tls = str_starts(url, "https://");
	auto_buf struct buf certificate = BUF_MAX(RATLS_MAX);
	struct http_call_options o = { .method = "GET",
				       .url = url,
				       .fd = -1,
				       .reply_max = APP_SOURCE_ANSWER_MAX,
				       .timeout_ms = timeout_ms,
				       .certificate = is_tls ? &certificate : NULL };
	struct http_answer a = { .status = 0 };
	int rc = http_call_wait(&o, &a, e);

	if (rc < 0)
		return rc;
	if (is_tls)
		rc = ratls_read(certificate.p, certificate.n, &s->certificate, e);
	if (rc == 0 && a.status == STATUS_OK) {
		s->channel = is_tls ? APP_CHANNEL_EVIDENCE : APP_CHANNEL_NONE;
		take(s, a.body.p, a.body.n);
	} else if (rc == 0 && !take_certificate(s)) {
		rc = refused(&a, e);
	}
	buf_deinit(&a.body);
	return rc;
}

static int read_app(const struct cli *c, struct app_source *s, const char *base, struct err *e)
{
	uint64_t timeout_ms = APP_SOURCE_TIMEOUT_MS;
	char url[URL_MAX];
	int rc = cli_timeout(c, APP_SOURCE_TIMEOUT_MS, &timeout_ms, e);

	if (rc == 0)
		rc = call_url(base, s, url, e);
	return rc == 0 ? ask(s, url, (unsigned int)timeout_ms, e) : rc;
}

int app_source_read(const struct cli *c, const char *operand, struct app_source *ret, struct err *e)
{
	struct app_source s = { .evidence = NULL };
	bool is_url = app_source_is_url(operand);
	int rc = take_nonce(c, is_url, &s, e);

	if (rc == 0)
		rc = is_url ? read_app(c, &s, operand, e) : read_file(&s, operand, e);
	if (rc < 0) {
		app_source_deinit(&s);
		return rc;
	}
	*ret = s;
	return 0;
}

void app_source_deinit(struct app_source *s)
{
	app_evidence_free(s->evidence);
	ratls_deinit(&s->certificate);
	*s = (struct app_source){ .evidence = NULL };
}
