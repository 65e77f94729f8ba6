/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/info_policy.h"

#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/app_compose.h"
#include "data/json.h"
#include "gateway/routes.h"

static int check_hash(const char *compose, size_t n, const char *compose_hash, struct err *e)
{
	struct digest256 h = digest256_bytes(compose, n);
	char hex[2 * sizeof(h.b) + 1];

	str_hex(hex, h.b, sizeof(h.b));
	if (str_equal(hex, compose_hash))
		return 0;
	if (!*compose_hash)
		return err_set(e, ERR_INPUT,
			       "the certificate that it registered with names no compose hash");
	return err_set(e, ERR_INPUT,
		       "its app_compose is not the one of its certificate: %s, not %s", hex,
		       compose_hash);
}

static int convert(const struct app_compose *c, struct route_policy *ret, struct err *e)
{
	struct route_policy p = { .is_known = true, .is_restricted = c->port_restrict_mode };
	size_t i;

	if (c->n_port_rules > ROUTES_PORTS_MAX)
		return err_set(e, ERR_LIMIT, "port_policy has more than %d ports",
			       ROUTES_PORTS_MAX);
	for (i = 0; i < c->n_port_rules; i++) {
		if (c->port_rules[i].port == 0)
			return err_set(e, ERR_INPUT, "port_policy: 0 is not a port: 1 to 65535");
		p.ports[p.n++] = (struct route_port){ c->port_rules[i].port,
						      c->port_rules[i].has_proxy_protocol };
	}
	*ret = p;
	return 0;
}

/* A text of an object that is JSON itself. */
static int inner(const json_t *o, const char *key, const char **ret, size_t *ret_n, struct err *e)
{
	const json_t *text = json_object_get(o, key);

	if (!json_is_string(text))
		return err_set(e, ERR_INPUT, "its Info has no %s", key);
	*ret = json_string_value(text);
	*ret_n = json_string_length(text);
	return 0;
}

int info_policy_read(const void *p, size_t n, const char *compose_hash, struct route_policy *ret,
		     struct err *e)
{
	json_auto_t *info = NULL, *tcb = NULL;
	struct app_compose *c = NULL;
	const char *text;
	size_t n_text = 0;
	int rc = json_parse(p, n, INFO_POLICY_MAX, "Info", &info, e);

	if (!rc)
		rc = inner(info, "tcb_info", &text, &n_text, e);
	if (rc)
		return rc;
	if (n_text == 0) {
		return err_set(
			e, ERR_INPUT,
			"its Info keeps tcb_info to itself (public_tcbinfo is false): only a "
			"guest that says its ports when it registers can have clients then");
	}
	rc = json_parse(text, n_text, INFO_POLICY_MAX, "tcb_info", &tcb, e);
	if (!rc)
		rc = inner(tcb, "app_compose", &text, &n_text, e);
	if (!rc)
		rc = check_hash(text, n_text, compose_hash, e);
	if (!rc)
		rc = app_compose_parse(text, n_text, &c, e);
	if (!rc)
		rc = convert(c, ret, e);
	app_compose_free(c);
	return rc;
}
