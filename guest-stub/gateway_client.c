/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/ratls.h"
#include "data/app_compose.h"
#include "data/json.h"
#include "guest-stub/gateway_iface.h"
#include "guest-stub/kms_answer.h"
#include "loop/tls_call.h"
#include "loop/tls_url.h"

enum { IDENTITY_MAX = 512 * 1024, APP_ID_MIN = 2 };

/* ---- who we are ---- */

void gateway_identity_deinit(struct gateway_identity *i)
{
	secret_str_free(i->key);
	free(i->chain);
	free(i->ca);
	*i = (struct gateway_identity){ .chain = NULL };
}

static bool is_pem(const char *text, const char *begins)
{
	return text && str_starts(text, begins);
}

int gateway_identity_read(const void *p, size_t n, struct gateway_identity *ret, struct err *e)
{
	static const char cert[] = "-----BEGIN CERTIFICATE-----";
	auto_buf struct buf chain = BUF_MAX(IDENTITY_MAX);
	json_auto_t *o = NULL;
	const json_t *list;
	const char *text = NULL, *key;
	size_t i;
	int r = json_parse(p, n, IDENTITY_MAX, "answer", &o, NULL);

	list = json_object_get(o, "certificate_chain");
	key = json_get_str(o, "key", "");
	if (r < 0 || json_array_size(list) < 2 || json_array_size(list) > GATEWAY_CHAIN_MAX ||
	    !is_pem(key, "-----BEGIN PRIVATE KEY-----"))
		return err_set(e, ERR_PROTO, "the agent's answer is no key with its chain");
	for (i = 0; r == 0 && i < json_array_size(list); i++) {
		text = json_string_value(json_array_get(list, i));
		if (!is_pem(text, cert))
			return err_set(e, ERR_PROTO, "certificate %zu of the chain is none", i + 1);
		r = buf_addf(&chain, "%s%s", i ? "\n" : "", text);
	}
	if (r < 0)
		return err_set(e, r, "the chain is too long");
	assert(text); /* there are two at least */
	ret->ca = xstrdup(text);
	ret->key = xstrdup(key);
	ret->chain = buf_take_str(&chain);
	return 0;
}

int gateway_identity_get(const char *agent, uint64_t now_s, struct gateway_identity *ret,
			 struct err *e)
{
	auto_free char *body =
		xasprintf("{\"subject\":\"dstack-guest-agent\",\"usage_client_auth\":true,"
			  "\"with_app_info\":true,\"not_after\":%llu}",
			  (unsigned long long)now_s + GATEWAY_CERT_S);
	const struct tls_call_options o = { .method = "POST",
					    .url = "http://agent/GetTlsKey",
					    .unix_path = agent,
					    .content_type = "application/json",
					    .body = body,
					    .n_body = strlen(body),
					    .timeout_ms = GATEWAY_AGENT_MS,
					    .reply_max = IDENTITY_MAX };
	struct gateway_identity i = { .until_s = now_s + GATEWAY_CERT_S };
	char why[KMS_ANSWER_ERROR_SIZE];
	struct tls_call_answer a;
	int r = tls_call(&o, &a, e);

	if (r < 0)
		return r;
	if (a.status == 200)
		r = gateway_identity_read(a.body.p, a.body.n, &i, e);
	else
		r = err_set(e, ERR_PROTO, "no certificate for this guest: %s",
			    kms_answer_error(a.body.p, a.body.n, a.status, why));
	tls_call_answer_deinit(&a);
	if (r == 0)
		*ret = i;
	return r;
}

/* ---- whom we call ---- */

int gateway_client_url(const char *url, char ret[static GATEWAY_URL_MAX], struct err *e)
{
	static const char scheme[] = "https://", path[] = "/prpc";
	size_t n = strlen(url);
	char base[GATEWAY_URL_MAX];
	struct tls_url u;

	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n > sizeof(path) && memcmp(url + n - sizeof(path) + 1, path, sizeof(path) - 1) == 0)
		n -= sizeof(path) - 1;
	if (n >= sizeof(base) - sizeof(path) ||
	    str_format(base, sizeof(base), "%.*s", (int)n, url) < 0 || !str_starts(base, scheme) ||
	    strpbrk(base + strlen(scheme), "/?#") || tls_url_parse(base, &u, NULL) < 0)
		return err_set(e, ERR_INPUT, "a gateway URL is not https://HOST[:PORT]");
	return str_format(ret, GATEWAY_URL_MAX, "%s%s", base, path) < 0 ? ERR_INPUT : 0;
}

int gateway_client_app_id(const char *text, char ret[static GATEWAY_APP_ID_MAX + 1], struct err *e)
{
	uint8_t bytes[GATEWAY_APP_ID_MAX / 2];
	size_t n;

	if (str_equal(text, "any"))
		return str_copy(ret, GATEWAY_APP_ID_MAX + 1, text) < 0 ? ERR_INPUT : 0;
	if (str_starts(text, "0x") || str_starts(text, "0X"))
		text += 2;
	n = strlen(text);
	if (n < APP_ID_MIN || n > GATEWAY_APP_ID_MAX || str_unhex(bytes, n / 2, text) < 0)
		return err_set(e, ERR_INPUT,
			       "the app id of the gateway that the KMS told is not hex");
	str_hex(ret, bytes, n / 2);
	return 0;
}

int gateway_client_check(const void *cert, size_t n, const char *app_id, struct err *e)
{
	char is[2 * RATLS_APP_ID_MAX + 1];
	struct ratls of = { .key.p = NULL };
	int r;

	if (n == 0)
		return err_set(e, ERR_CRYPTO, "it shows no certificate");
	if (str_equal(app_id, "any"))
		return 0;
	r = ratls_read(cert, n, &of, e);
	if (r == 0 && of.app_id.n == 0)
		r = err_set(e, ERR_CRYPTO, "its certificate is of no app, not of the gateway %s",
			    app_id);
	if (r == 0) {
		str_hex(is, of.app_id.p, of.app_id.n);
		if (!str_equal(is, app_id)) {
			r = err_set(e, ERR_CRYPTO,
				    "it is the app %s, not the gateway %s that the KMS names", is,
				    app_id);
		}
	}
	ratls_deinit(&of);
	return r ? ERR_CRYPTO : 0;
}

/* ---- what is said ---- */

static json_t *policy_of(const struct app_compose *app)
{
	json_t *ports = json_array();
	size_t i;

	for (i = 0; i < app->n_port_rules; i++) {
		(void)json_array_append_new(
			ports, json_pack("{s:i, s:b}", "port", (int)app->port_rules[i].port, "pp",
					 app->port_rules[i].has_proxy_protocol));
	}
	return json_pack("{s:o, s:b}", "ports", ports, "restrict_mode", app->port_restrict_mode);
}

char *gateway_client_body(const uint8_t key[static GATEWAY_KEY], const struct app_compose *app,
			  bool is_ready)
{
	auto_buf struct buf text = BUF_MAX(2 * GATEWAY_KEY);
	json_auto_t *o = NULL;

	if (base64_encode(&text, key, GATEWAY_KEY) < 0)
		abort(); /* out of memory */
	o = json_pack("{s:s, s:o, s:b}", "client_public_key", (char *)text.p, "port_policy",
		      policy_of(app), "ready", is_ready);
	return json_compact(o);
}

static int call(const struct gateway_call *c, struct tls_call_answer *ret, struct err *e)
{
	auto_free char *url = xasprintf("%s/RegisterCvm?json", c->url);
	const struct tls_call_options o = { .method = "POST",
					    .url = url,
					    .content_type = "application/json",
					    .body = c->body,
					    .n_body = strlen(c->body),
					    .trust = TLS_CALL_CA,
					    .ca = c->identity->ca,
					    .cert = c->identity->chain,
					    .key = c->identity->key,
					    .connect_ms = GATEWAY_CONNECT_MS,
					    .timeout_ms = c->timeout_ms,
					    .reply_max = GATEWAY_ANSWER_MAX };

	return tls_call(&o, ret, e);
}

static int read_answer(const struct gateway_call *c, const struct tls_call_answer *a,
		       struct gateway_answer *ret, struct err *e)
{
	char why[KMS_ANSWER_ERROR_SIZE];
	int r = gateway_client_check(a->cert.p, a->cert.n, c->app_id, e);

	if (r == 0 && a->status != 200)
		r = err_set(e, ERR_PROTO, "RegisterCvm: %s",
			    kms_answer_error(a->body.p, a->body.n, a->status, why));
	return r ? r : gateway_answer_read(a->body.p, a->body.n, ret, e);
}

int gateway_client_register(const struct gateway_call *c, struct gateway_answer *ret, struct err *e)
{
	struct tls_call_answer a;
	int r = call(c, &a, e);

	if (r < 0)
		return r; /* it names the host */
	r = read_answer(c, &a, ret, e);
	tls_call_answer_deinit(&a);
	return r < 0 ? err_wrap(e, r, "%.*s", (int)(strlen(c->url) - strlen("/prpc")), c->url) : 0;
}

/* ---- where it is ---- */

static bool take(const struct addrinfo *a, struct gateway_peer *ret)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (a->ai_family == AF_INET && a->ai_addrlen == sizeof(v4)) {
		memcpy(&v4, a->ai_addr, sizeof(v4));
		memcpy(ret->ip, &v4.sin_addr, 4);
		ret->n_ip = 4;
	} else if (a->ai_family == AF_INET6 && a->ai_addrlen == sizeof(v6)) {
		memcpy(&v6, a->ai_addr, sizeof(v6));
		memcpy(ret->ip, &v6.sin6_addr, 16);
		ret->n_ip = 16;
	} else {
		return false;
	}
	return gateway_answer_is_endpoint(ret->ip, ret->n_ip);
}

static bool look_up(const struct gateway_server *s, struct gateway_peer *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	const struct addrinfo *a;
	bool is_found = false;

	if (getaddrinfo(s->host, NULL, &hints, &list) != 0)
		return false;
	for (a = list; a && !is_found; a = a->ai_next)
		is_found = take(a, ret);
	freeaddrinfo(list);
	return is_found;
}

int gateway_client_resolve(const struct gateway_answer *a, struct gateway_tunnel *ret,
			   struct err *e)
{
	uint64_t end = time_mono_ms() + GATEWAY_NAMES_MS;
	size_t i;

	*ret = (struct gateway_tunnel){ .client = a->client };
	for (i = 0; i < a->n_servers && time_mono_ms() < end; i++) {
		const struct gateway_server *s = &a->servers[i];
		struct gateway_peer *p = &ret->peers[ret->n];

		memcpy(p->key, s->key, GATEWAY_KEY);
		p->address = s->address;
		p->port = s->port;
		if (look_up(s, p))
			ret->n++;
	}
	if (ret->n > 0)
		return 0;
	return err_set(e, ERR_MISSING, "the gateway's endpoint %s has no address that can be used",
		       a->servers[0].host);
}
