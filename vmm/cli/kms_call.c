/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kms_call.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "data/guest_url.h"
#include "data/json.h"
#include "loop/http_client.h"

enum { SHOWN = 200, STATUS_OK = 200 };

int kms_call_check(const char *url, struct err *e)
{
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "-._~:/[]%";
	bool is_http = str_starts(url, "https://") || str_starts(url, "http://");
	const char *host = is_http ? strstr(url, "://") + 3 : "";
	char shown[SHOWN];

	if (*host && *host != '/' && strspn(host, fit) == strlen(host))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not the address of a KMS; write https://HOST:PORT",
		       str_escape(shown, sizeof(shown), url, strlen(url)));
}

static int url_of(const char *base, const char *method, char ret[static KMS_CALL_URL_MAX],
		  struct err *e)
{
	char host[KMS_CALL_URL_MAX];
	size_t n;
	int rc = kms_call_check(base, e);

	if (rc < 0)
		return rc;
	if (guest_url_on_host(base, host, sizeof(host)) < 0)
		return err_set(e, ERR_INPUT, "the address of the KMS is too long");
	for (n = strlen(host); n > 0 && host[n - 1] == '/';)
		n--;
	if (str_format(ret, KMS_CALL_URL_MAX, "%.*s/prpc/%s?json", (int)n, host, method) < 0)
		return err_set(e, ERR_INPUT, "the address of the KMS is too long");
	return 0;
}

/* {"error": "..."}: shown, and no more. */
static int said(const char *base, const struct http_answer *a, struct err *e)
{
	char shown[SHOWN];
	json_t *j = NULL;
	const char *text;
	int rc;

	if (json_parse(a->body.p, a->body.n, KMS_CALL_REPLY_MAX, "reply", &j, NULL) < 0)
		j = NULL;
	text = json_get_str(j, "error", "");
	if (*text) {
		rc = err_set(e, ERR_REFUSED, "the KMS at %s refuses: %s", base,
			     str_escape(shown, sizeof(shown), text, strlen(text)));
	} else {
		rc = err_set(e, ERR_REFUSED,
			     "what is at %s answers with HTTP status %d, as no KMS "
			     "does",
			     base, a->status);
	}
	json_decref(j);
	return rc;
}

int kms_call(const struct cli *c, const char *base, const char *method, const json_t *params,
	     struct buf *certificate, json_t **ret, struct err *e)
{
	auto_free char *text = params ? json_compact(params) : NULL;
	auto_buf struct buf unread = BUF_MAX(KMS_CALL_REPLY_MAX);
	struct http_answer a = { .body = BUF_MAX(KMS_CALL_REPLY_MAX) };
	struct http_call_options o = { .method = "POST", .fd = -1 };
	char url[KMS_CALL_URL_MAX];
	uint64_t timeout_ms = 0;
	int rc = url_of(base, method, url, e);

	if (rc == 0)
		rc = cli_timeout(c, KMS_CALL_TIMEOUT_MS, &timeout_ms, e);
	if (rc < 0)
		return rc;
	o.url = url;
	o.content_type = "application/json";
	o.body = text ? text : "{}";
	o.n_body = strlen(o.body);
	o.reply_max = KMS_CALL_REPLY_MAX;
	o.timeout_ms = (unsigned int)timeout_ms;
	o.certificate = certificate ? certificate : &unread; /* which is: ask nobody who it is */
	rc = http_call_wait(&o, &a, e);
	if (rc < 0)
		rc = err_wrap(e, ERR_UNREACHABLE, "asking the KMS at %s", base);
	else if (a.status != STATUS_OK)
		rc = said(base, &a, e);
	else if (json_parse(a.body.p, a.body.n, KMS_CALL_REPLY_MAX, "its answer", ret, e) < 0)
		rc = err_wrap(e, ERR_PROTO, "the KMS at %s", base);
	buf_deinit(&a.body);
	return rc;
}
