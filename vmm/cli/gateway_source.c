/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gateway_source.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/acme_info.h"
#include "cli/app_source.h"
#include "cli/cli.h"
#include "data/gateway_place.h"
#include "loop/tls_call.h"

enum { STATUS_OK = 200, BASE_MAX = GATEWAY_URL_MAX + 1 };

int gateway_source_is_one(const char *operand)
{
	return str_starts(operand, "https://gateway.");
}

/* The address without a slash at its end, and no more than an address. */
static int base_of(const char *operand, char ret[static BASE_MAX], struct err *e)
{
	size_t n = strlen(operand);

	if (n && operand[n - 1] == '/')
		n--;
	if (n >= BASE_MAX || str_format(ret, BASE_MAX, "%.*s", (int)n, operand) < 0)
		return err_set(e, ERR_INPUT, "the address is too long");
	return gateway_url_check(ret, e);
}

/* Whoever answers: what it says of its key is what is judged. */
static int get(const char *base, const char *path, unsigned int timeout_ms,
	       struct tls_call_answer *ret, struct err *e)
{
	auto_free char *url = xasprintf("%s%s", base, path);
	const struct tls_call_options o = { .method = "GET",
					    .url = url,
					    .trust = TLS_CALL_ANYBODY,
					    .timeout_ms = timeout_ms,
					    .reply_max = ACME_INFO_MAX };
	int rc = tls_call(&o, ret, e);

	if (rc < 0 || ret->status == STATUS_OK)
		return rc;
	rc = err_set(e, ERR_PROTO, "%s%s: it answers with HTTP status %d", base, path, ret->status);
	tls_call_answer_deinit(ret);
	return rc;
}

static void take(struct app_source *s, const char *text)
{
	s->fault = ERR_NONE;
	if (app_evidence_read(text, strlen(text), &s->evidence, &s->fault) < 0)
		s->evidence = NULL;
}

static void take_key(struct app_source *s, const struct buf *info)
{
	struct acme_key k;

	if (acme_info_find(info->p, info->n, s->certificate.key.p, s->certificate.key.n, &k,
			   &s->fault) < 0)
		return;
	if (k.attestation)
		take(s, k.attestation);
	if (!s->evidence && k.quote)
		take(s, k.quote);
	if (!k.attestation && !k.quote) {
		(void)err_set(
			&s->fault, ERR_NOT_FOUND,
			"the gateway shows no quote of its key: it has no agent that it could "
			"ask, or runs on no such machine");
	}
	acme_key_deinit(&k);
}

/* The app's compose, which its log must have the hash of: so it does not matter who shows it. */
static void take_compose(struct app_source *s, const char *base, unsigned int timeout_ms)
{
	struct tls_call_answer a;

	if (!s->evidence || s->evidence->compose ||
	    get(base, "/.dstack/app-info", timeout_ms, &a, NULL) < 0)
		return;
	s->evidence->compose = acme_info_compose(a.body.p, a.body.n);
	tls_call_answer_deinit(&a);
}

int gateway_source_read(const struct cli *c, const char *operand, struct app_source *ret,
			struct err *e)
{
	struct app_source s = { .channel = APP_CHANNEL_DOMAIN };
	char base[BASE_MAX];
	uint64_t timeout_ms = APP_SOURCE_TIMEOUT_MS;
	struct tls_call_answer a;
	int rc = base_of(operand, base, e);

	if (rc == 0)
		rc = cli_timeout(c, APP_SOURCE_TIMEOUT_MS, &timeout_ms, e);
	if (rc == 0)
		rc = get(base, "/.dstack/acme-info", (unsigned int)timeout_ms, &a, e);
	if (rc < 0)
		return rc;
	rc = ratls_read(a.cert.p, a.cert.n, &s.certificate, e);
	if (rc == 0) {
		take_key(&s, &a.body);
		take_compose(&s, base, (unsigned int)timeout_ms);
		*ret = s;
	}
	tls_call_answer_deinit(&a);
	return rc;
}
