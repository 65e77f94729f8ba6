/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gateway_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/exit.h"
#include "crypto/ratls.h"
#include "data/env_text.h"
#include "data/gateway_place.h"
#include "data/guest_url.h"
#include "data/json.h"
#include "loop/tls_call.h"
#include "loop/tls_url.h"

enum { CA_MAX = 256 * 1024, SHOWN = 300, STATUS_OK = 200, STATUS_TOKEN = 401, STATUS_OFTEN = 429 };

const char gateway_target_file[] = "gateway.yaml";
static const char token_name[] = "ADMIN_API_TOKEN";

void gateway_target_deinit(struct gateway_target *t)
{
	token_wipe(&t->token);
	app_deinit(&t->app);
	buf_deinit(&t->ca);
	*t = GATEWAY_TARGET_NULL;
}

/* Whoever listens on a loopback address is of this machine, as we are: only there the token may go in the clear. */
static bool is_loopback(const char *url)
{
	struct tls_url u;

	return tls_url_parse(url, &u, NULL) == 0 &&
	       (str_equal(u.host, "127.0.0.1") || str_equal(u.host, "::1") ||
		str_equal(u.host, "localhost"));
}

static int check_url(const char *url, struct err *e)
{
	if (str_starts(url, "http://") && is_loopback(url))
		return 0;
	return gateway_url_check(url, e);
}

static int read_ca(const struct cli *c, struct gateway_target *t, struct err *e)
{
	const char *file = c->args->options[OPT_CA];

	t->ca.max = CA_MAX;
	return file_read(AT_FDCWD, file, CA_MAX, &t->ca, e) < 0 ? ERR_INPUT : 0;
}

static int read_id(const char *hex, struct gateway_target *t, struct err *e)
{
	if (str_unhex(t->id, sizeof(t->id), hex) < 0)
		return err_set(e, ERR_INPUT, "--app-id: \"%.60s\" is no app id: 40 hex digits",
			       hex);
	t->has_id = true;
	return 0;
}

/* The root of the KMS that its app pins. */
static int read_pin(struct gateway_target *t, struct err *e)
{
	const char *pin = app_str(&t->app, "key_provider_id");
	size_t n = strlen(pin) / 2;

	if (!*pin) {
		return app_error(&t->app, "key_provider", e,
				 "no KMS is pinned that the gateway's certificate could lead to; "
				 "write key_provider_id, or say --ca FILE");
	}
	if (n > sizeof(t->root) || str_unhex(t->root, n, pin) < 0)
		return app_error(&t->app, "key_provider_id", e, "is not the key of a root");
	t->n_root = n;
	return 0;
}

static int read_service(struct gateway_target *t, struct err *e)
{
	const struct app *a = &t->app;

	if (!app_get(a, "gateway_service")) {
		return app_error(a, "gateway_service", e,
				 "is missing: it is no gateway; write gateway_service: { domain: "
				 "bailey.localhost, url: \"https://10.0.2.2:9012\" }");
	}
	t->domain = app_str(a, "gateway_service.domain");
	t->port = (uint16_t)json_integer_value(app_get(a, "gateway_service.port"));
	if (guest_url_on_host(app_str(a, "gateway_service.url"), t->url, sizeof(t->url)) < 0 ||
	    str_copy(t->admin, sizeof(t->admin), app_str(a, "gateway_service.admin")) < 0)
		return app_error(a, "gateway_service", e, "has a URL that is too long");
	return 0;
}

static int read_app(const struct cli *c, const char *file, struct gateway_target *t, struct err *e)
{
	const char *id;
	char first[2 * GATEWAY_TARGET_ID + 1];
	int rc = app_load(file, &t->app, e);

	if (rc == 0)
		rc = read_service(t, e);
	if (rc == 0 && !args_has(c->args, OPT_CA))
		rc = read_pin(t, e);
	if (rc < 0)
		return rc;
	(void)str_format(first, sizeof(first), "%.40s", t->app.hash);
	id = app_str(&t->app, "app_id");
	return read_id(*id ? id : first, t, e);
}

static int read_url(const struct cli *c, const char *url, struct gateway_target *t, struct err *e)
{
	int rc = check_url(url, e);

	if (rc < 0)
		return rc;
	if (str_starts(url, "https://") && !args_has(c->args, OPT_CA)) {
		return err_set(
			e, ERR_INPUT,
			"whose certificate is %s to show?  write --ca FILE, or name its YAML", url);
	}
	return str_copy(t->admin, sizeof(t->admin), url) < 0
		       ? err_set(e, ERR_INPUT, "the URL is too long")
		       : 0;
}

int gateway_target_read(const struct cli *c, struct gateway_target *ret, struct err *e)
{
	const char *what = c->args->n ? c->args->operands[0] : gateway_target_file;
	struct gateway_target t = { .domain = "" };
	int rc = 0;

	if (!c->args->n && access(what, F_OK) < 0) {
		return err_set(e, ERR_INPUT,
			       "which gateway?  there is no %s here; name its YAML or the URL of "
			       "its Admin service",
			       what);
	}
	if (args_has(c->args, OPT_CA))
		rc = read_ca(c, &t, e);
	if (rc == 0)
		rc = strstr(what, "://") ? read_url(c, what, &t, e) : read_app(c, what, &t, e);
	if (rc == 0 && args_has(c->args, OPT_APP_ID) &&
	    !str_equal(c->args->command->name, "gateway routes"))
		rc = read_id(c->args->options[OPT_APP_ID], &t, e);
	if (rc < 0)
		gateway_target_deinit(&t);
	else
		*ret = t;
	return rc;
}

static int take_env(struct gateway_target *t, struct err *e)
{
	struct env_file *f = NULL;
	size_t i;
	int rc = t->app.doc ? env_file_of_app(&t->app, &f, e) : 0;

	for (i = 0; rc == 0 && f && i < f->vars->n; i++) {
		if (str_equal(f->vars->vars[i].name, token_name))
			rc = token_take(f->vars->vars[i].value, f->path, &t->token, e);
	}
	env_file_free(f);
	return rc;
}

int gateway_target_find_token(const struct cli *c, struct gateway_target *t, struct err *e)
{
	const char *file = c->args->options[OPT_TOKEN_FILE], *text = getenv("BAILEY_GATEWAY_TOKEN");
	int rc;

	if (file) {
		rc = token_read(file, &t->token, e);
		return rc == 0	? err_set(e, ERR_INPUT, "there is no %.200s", file)
		       : rc < 0 ? rc
				: 0;
	}
	if (text && *text)
		return token_take(text, "BAILEY_GATEWAY_TOKEN", &t->token, e);
	rc = take_env(t, e);
	if (rc == 0 && !*t->token.text) {
		rc = err_set(e, ERR_INPUT,
			     "the gateway wants a token; write %s into the env_file of its app, or "
			     "name a file that holds it: --token-file FILE",
			     token_name);
	}
	return rc;
}

/* The root vouches for many apps: only one of them is the gateway. */
static int check_server(const void *cert, size_t n, void *arg, struct err *e)
{
	const struct gateway_target *t = arg;
	char shown[2 * RATLS_APP_ID_MAX + 1] = "none";
	struct ratls r;
	bool is_it;
	int rc = ratls_read(cert, n, &r, e);

	if (rc < 0)
		return rc;
	is_it = t->has_id ? r.app_id.n == sizeof(t->id) &&
				    memcmp(r.app_id.p, t->id, sizeof(t->id)) == 0
			  : !r.app_id.p;
	if (r.app_id.p)
		str_hex(shown, r.app_id.p, r.app_id.n);
	ratls_deinit(&r);
	if (is_it)
		return 0;
	if (!t->has_id) {
		return err_set(e, ERR_UNPROVEN,
			       "it is the app %s; if that is the gateway, say --app-id %s", shown,
			       shown);
	}
	return err_set(e, ERR_UNPROVEN, "another app answers there, not the gateway: %s", shown);
}

static struct tls_call_options options_of(const struct gateway_target *t, const char *url)
{
	struct tls_call_options o = {
		.method = "GET",
		.url = url,
		.trust = t->n_root ? TLS_CALL_ROOT_KEY : TLS_CALL_CA,
		.root_key = t->root,
		.n_root_key = t->n_root,
		.ca = (const char *)t->ca.p,
		.reply_max = GATEWAY_TARGET_REPLY_MAX,
		.on_server = check_server,
	};

	if (t->is_anybody) {
		o.trust = TLS_CALL_ANYBODY;
		o.on_server = NULL;
	}
	memcpy(&o.arg, &t, sizeof(o.arg));
	return o;
}

/* What a failed call is to a script. */
static int translate(int rc, struct err *e)
{
	int code = rc == ERR_CRYPTO || rc == ERR_UNPROVEN ? ERR_UNPROVEN
		   : rc == ERR_INPUT || rc == ERR_LIMIT	  ? rc
							  : ERR_UNREACHABLE;

	if (e)
		e->code = code;
	return code;
}

int gateway_target_get(const struct gateway_target *t, const char *base, const char *path,
		       unsigned int timeout_ms, struct tls_call_answer *ret, struct err *e)
{
	auto_free char *url = xasprintf("%s%s", base, path);
	struct tls_call_options o = options_of(t, url);
	int rc;

	o.timeout_ms = timeout_ms;
	rc = tls_call(&o, ret, e);
	return rc < 0 ? translate(rc, e) : 0;
}

/* {"error": "..."}: shown, and no more. */
static int said(const struct tls_call_answer *a, struct err *e)
{
	char shown[SHOWN];
	json_t *j = NULL;
	const char *text;
	int rc;

	if (json_parse(a->body.p, a->body.n, GATEWAY_TARGET_REPLY_MAX, "reply", &j, NULL) < 0)
		j = NULL;
	text = json_get_str(j, "error", "");
	if (a->status == STATUS_TOKEN)
		rc = err_set(e, ERR_REFUSED, "the gateway does not take this token");
	else if (a->status == STATUS_OFTEN) {
		rc = err_set(e, ERR_REFUSED,
			     "the gateway was tried with wrong tokens too often; wait a minute");
	} else if (*text) {
		rc = err_set(e, ERR_REFUSED, "the gateway refuses: %s",
			     str_escape(shown, sizeof(shown), text, strlen(text)));
	} else {
		rc = err_set(e, ERR_REFUSED, "the gateway answers with HTTP status %d", a->status);
	}
	json_decref(j);
	return rc;
}

int gateway_target_call(const struct cli *c, const struct gateway_target *t, const char *method,
			const json_t *params, json_t **ret, struct err *e)
{
	auto_free char *url = xasprintf("%s/prpc/Admin.%s?json", t->admin, method);
	auto_free char *text = params ? json_compact(params) : xstrdup("{}");
	struct tls_call_options o = options_of(t, url);
	struct tls_call_answer a;
	uint64_t timeout_ms = 0;
	int rc = cli_timeout(c, GATEWAY_TARGET_TIMEOUT_MS, &timeout_ms, e);

	if (rc < 0)
		return rc;
	o.method = "POST";
	o.content_type = "application/json";
	o.bearer = t->token.text;
	o.body = text;
	o.n_body = strlen(text);
	o.timeout_ms = (unsigned int)timeout_ms;
	rc = tls_call(&o, &a, e);
	if (rc < 0)
		return translate(rc, e);
	if (a.status != STATUS_OK)
		rc = said(&a, e);
	else if (json_parse(a.body.p, a.body.n, GATEWAY_TARGET_REPLY_MAX, "its answer", ret, e) < 0)
		rc = err_wrap(e, ERR_PROTO, "the gateway");
	tls_call_answer_deinit(&a);
	return rc;
}
