/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/agent.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/json.h"
#include "loop/tls_call.h"

enum { STATUS_OK = 200, ANSWER_MAX = 2 * AGENT_ATTESTATION_MAX + 1024, REPORT_DATA = 64 };

/* The answer's JSON object, the caller's. */
static int ask(const char *socket, const char *url, const json_t *question, json_t **ret,
	       struct err *e)
{
	auto_free char *body = json_compact(question);
	const struct tls_call_options o = { .method = "POST",
					    .url = url,
					    .unix_path = socket,
					    .content_type = "application/json",
					    .body = body,
					    .n_body = strlen(body),
					    .timeout_ms = AGENT_MS,
					    .reply_max = ANSWER_MAX };
	struct tls_call_answer a = { .status = 0 };
	int rc = tls_call(&o, &a, e);

	if (rc < 0)
		return err_wrap(e, rc, "the guest's agent");
	rc = json_parse(a.body.p, a.body.n, ANSWER_MAX, "the agent's answer", ret, e);
	secret_wipe(a.body.p, a.body.n);
	if (rc == 0 && a.status != STATUS_OK) {
		char why[128];
		const char *text = json_get_str(*ret, "error", "it did not say why");

		rc = err_set(e, ERR_PROTO, "the guest's agent: %s",
			     str_escape(why, sizeof(why), text, strlen(text)));
		json_decref(*ret);
		*ret = NULL;
	}
	tls_call_answer_deinit(&a);
	return rc;
}

int agent_key(const char *socket, const char *path, struct secret32 *ret, struct err *e)
{
	json_auto_t *question =
		json_pack("{s:s, s:s, s:s}", "path", path, "purpose", "", "algorithm", "secp256k1");
	json_auto_t *answer = NULL;
	int rc = ask(socket, "http://localhost/GetKey?json", question, &answer, e);

	if (rc == 0 && str_unhex(ret->b, sizeof(ret->b), json_get_str(answer, "key", "")) < 0)
		rc = err_set(e, ERR_PROTO, "the guest's agent gave no key of 32 bytes");
	return rc;
}

int agent_attest(const char *socket, const uint8_t report_data[static REPORT_DATA], struct buf *ret,
		 struct err *e)
{
	char hex[2 * REPORT_DATA + 1];
	json_auto_t *question = NULL, *answer = NULL;
	const char *text;
	size_t n;
	int rc;

	str_hex(hex, report_data, REPORT_DATA);
	question = json_pack("{s:s}", "report_data", hex);
	rc = ask(socket, "http://localhost/Attest?json", question, &answer, e);
	if (rc < 0)
		return rc;
	text = json_get_str(answer, "attestation", "");
	n = strlen(text) / 2;
	if (n == 0 || n > AGENT_ATTESTATION_MAX || buf_reserve(ret, n) < 0 ||
	    str_unhex(ret->p + ret->n, n, text) < 0)
		return err_set(e, ERR_PROTO, "the guest's agent gave no attestation");
	ret->n += n;
	return 0;
}
