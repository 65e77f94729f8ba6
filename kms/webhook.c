/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/webhook.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "data/json.h"
#include "loop/http_client.h"
#include "tee/boot_info.h"
#include "tee/tcb.h"

enum { BODY_MAX = 64 * 1024, STATUS_OK = 200, STATUS_OK_END = 300, URL_MAX = 1100 };

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

int webhook_body(const struct boot_info *b, struct buf *ret)
{
	json_auto_t *o = json_object();
	json_t *advisories = json_array();
	auto_free char *text = NULL;
	size_t i;

	(void)json_object_set_new(o, "teeVariant", json_string(BOOT_INFO_VARIANT));
	put_hex(o, "mrAggregated", b->mr_aggregated, sizeof(b->mr_aggregated));
	put_hex(o, "osImageHash", b->os_image_hash, sizeof(b->os_image_hash));
	put_hex(o, "mrSystem", b->mr_system, sizeof(b->mr_system));
	put_hex(o, "appId", b->app_id, sizeof(b->app_id));
	put_hex(o, "composeHash", b->compose_hash, sizeof(b->compose_hash));
	put_hex(o, "instanceId", b->instance_id, b->n_instance_id);
	put_hex(o, "deviceId", b->device_id, sizeof(b->device_id));
	put_hex(o, "keyProviderInfo", b->key_provider_info, strlen(b->key_provider_info));
	(void)json_object_set_new(o, "tcbStatus", json_string(tcb_status_name(b->tcb_status)));
	for (i = 0; i < b->n_advisories; i++)
		(void)json_array_append_new(advisories, json_text(b->advisories[i]));
	(void)json_object_set_new(o, "advisoryIds", advisories);
	text = json_compact_ascii(o);
	return buf_add_str(ret, text);
}

/* A text of the server's, made fit to be shown and passed on. */
static int take_text(const json_t *o, const char *key, char *dst, size_t size, struct err *e)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		return err_set(e, ERR_PROTO, "the answer has no text \"%s\"", key);
	(void)str_escape(dst, size, json_string_value(v), json_string_length(v));
	return 0;
}

static int read_object(const void *p, size_t n, json_t **ret, struct err *e)
{
	int rc = json_parse(p, n, WEBHOOK_ANSWER_MAX, "answer", ret, e);

	if (rc == 0 && !json_is_object(*ret))
		rc = err_set(e, ERR_PROTO, "the answer is no JSON object");
	return rc < 0 ? ERR_PROTO : 0;
}

int webhook_read(const void *p, size_t n, struct grant *ret, struct err *e)
{
	json_auto_t *o = NULL;
	struct grant g = { .is_allowed = false };
	int rc = read_object(p, n, &o, e);

	if (rc == 0 && !json_is_boolean(json_object_get(o, "isAllowed")))
		rc = err_set(e, ERR_PROTO, "the answer has no \"isAllowed\" that is true or false");
	if (rc == 0)
		rc = take_text(o, "gatewayAppId", g.gateway_app_id, sizeof(g.gateway_app_id), e);
	if (rc == 0)
		rc = take_text(o, "reason", g.reason, sizeof(g.reason), e);
	if (rc < 0)
		return rc;
	g.is_allowed = json_is_true(json_object_get(o, "isAllowed"));
	*ret = g;
	return 0;
}

int webhook_read_info(const void *p, size_t n, struct webhook_info *ret, struct err *e)
{
	json_auto_t *o = NULL;
	struct webhook_info i = { .chain_id = 0 };
	const json_t *chain;
	int rc = read_object(p, n, &o, e);

	if (rc == 0)
		rc = take_text(o, "gatewayAppId", i.gateway_app_id, sizeof(i.gateway_app_id), e);
	if (rc == 0)
		rc = take_text(o, "kmsContractAddr", i.contract, sizeof(i.contract), e);
	if (rc == 0)
		rc = take_text(o, "appImplementation", i.implementation, sizeof(i.implementation),
			       e);
	if (rc < 0)
		return rc;
	chain = json_object_get(o, "chainId");
	if (!json_is_integer(chain) || json_integer_value(chain) < 0)
		return err_set(e, ERR_PROTO, "the answer has no number \"chainId\"");
	i.chain_id = (uint64_t)json_integer_value(chain);
	(void)str_escape(i.rpc_url, sizeof(i.rpc_url), json_get_str(o, "ethRpcUrl", ""),
			 strlen(json_get_str(o, "ethRpcUrl", "")));
	*ret = i;
	return 0;
}

/* @path joined with one slash. */
static int call(const struct webhook *w, const char *path, const struct buf *body,
		struct http_answer *ret, struct err *e)
{
	char url[URL_MAX];
	size_t n = strlen(w->url);
	struct http_call_options o = { .method = body ? "POST" : "GET",
				       .url = url,
				       .fd = -1,
				       .content_type = body ? "application/json" : NULL,
				       .user_agent = "dstack-kms/" DSTACK_VERSION,
				       .ca_file = w->ca_file,
				       .body = body ? body->p : NULL,
				       .n_body = body ? body->n : 0,
				       .reply_max = WEBHOOK_ANSWER_MAX,
				       .timeout_ms = w->timeout_ms };
	int rc;

	while (*path && n > 0 && w->url[n - 1] == '/')
		n--;
	if (str_format(url, sizeof(url), "%.*s%s", (int)n, w->url, path) < 0)
		return err_set(e, ERR_INPUT, "its URL is too long");
	rc = http_call_wait(&o, ret, e);
	if (rc < 0)
		return rc;
	if (ret->status >= STATUS_OK && ret->status < STATUS_OK_END)
		return 0;
	rc = err_set(e, ERR_PROTO, "%s: HTTP status %d", url, ret->status);
	buf_deinit(&ret->body);
	return rc;
}

int webhook_ask(const struct webhook *w, bool is_kms, const struct boot_info *b, struct grant *ret,
		struct err *e)
{
	auto_buf struct buf body = BUF_MAX(BODY_MAX);
	struct http_answer answer = { .status = 0 };
	int rc = webhook_body(b, &body);

	if (rc < 0)
		return err_set(e, rc, "webhook: the question is too long");
	rc = call(w, is_kms ? "/bootAuth/kms" : "/bootAuth/app", &body, &answer, e);
	if (rc == 0) {
		rc = webhook_read(answer.body.p, answer.body.n, ret, e);
		buf_deinit(&answer.body);
	}
	return rc < 0 ? err_wrap(e, rc, "webhook") : 0;
}

int webhook_get_info(const struct webhook *w, struct webhook_info *ret, struct err *e)
{
	struct http_answer answer = { .status = 0 };
	int rc = call(w, "", NULL, &answer, e);

	if (rc == 0) {
		rc = webhook_read_info(answer.body.p, answer.body.n, ret, e);
		buf_deinit(&answer.body);
	}
	return rc < 0 ? err_wrap(e, rc, "webhook") : 0;
}
