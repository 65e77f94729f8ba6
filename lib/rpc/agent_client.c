/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/agent_client.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/json.h"
#include "loop/tls_call.h"

enum { STATUS_OK = 200, URL_MAX = 128, WHY_MAX = 128 };

static int refuse(const json_t *answer, int status, struct err *e)
{
	char why[WHY_MAX];
	const char *text = json_get_str(answer, "error", "it did not say why");

	return err_set(e, ERR_PROTO, "the guest's agent: %s (%d)",
		       str_escape(why, sizeof(why), text, strlen(text)), status);
}

/* The answer of one call, for tls_call_answer_deinit(), and what it holds. */
static int call(const char *socket, const char *method, const json_t *question,
		struct tls_call_answer *ret, json_t **ret_json, struct err *e)
{
	auto_free char *body = question ? json_compact(question) : xstrdup("{}");
	char url[URL_MAX];
	struct tls_call_options o = { .method = "POST",
				      .url = url,
				      .unix_path = socket,
				      .content_type = "application/json",
				      .body = body,
				      .n_body = strlen(body),
				      .timeout_ms = AGENT_CLIENT_MS,
				      .reply_max = AGENT_CLIENT_ANSWER_MAX };
	int rc;

	if (str_format(url, sizeof(url), "http://localhost/%s?json", method) < 0)
		return err_set(e, ERR_INPUT, "the guest's agent has no call of that name");
	rc = tls_call(&o, ret, e);
	if (rc < 0)
		return err_wrap(e, rc, "the guest's agent");
	rc = json_parse(ret->body.p, ret->body.n, AGENT_CLIENT_ANSWER_MAX, "the agent's answer",
			ret_json, e);
	if (rc == 0 && ret->status != STATUS_OK) {
		rc = refuse(*ret_json, ret->status, e);
		json_decref(*ret_json);
		*ret_json = NULL;
	}
	if (rc < 0)
		tls_call_answer_deinit(ret);
	return rc;
}

int agent_client_ask(const char *socket, const char *method, const json_t *question, json_t **ret,
		     struct err *e)
{
	struct tls_call_answer a = { .status = 0 };
	json_t *answer = NULL;
	int rc = call(socket, method, question, &a, &answer, e);

	if (rc < 0)
		return rc;
	tls_call_answer_deinit(&a);
	*ret = answer;
	return 0;
}

int agent_client_text(const char *socket, const char *method, const json_t *question,
		      struct buf *ret, struct err *e)
{
	struct tls_call_answer a = { .status = 0 };
	json_auto_t *answer = NULL;
	int rc = call(socket, method, question, &a, &answer, e);

	if (rc < 0)
		return rc;
	*ret = a.body;
	a.body = BUF_MAX(0);
	tls_call_answer_deinit(&a);
	return 0;
}
