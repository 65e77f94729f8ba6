/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/tcb.h"

struct reader {
	struct kms_config *c;
	struct conf_place at;
};

static const json_t *map(const struct kms_config *c, const char *key)
{
	return json_object_get(c->doc, key);
}

static unsigned int number(const json_t *o, const char *key)
{
	return (unsigned int)json_get_u64(o, key, 0);
}

static size_t texts(const json_t *o, const char *key, const char **ret, size_t max)
{
	const json_t *list = json_object_get(o, key);
	size_t i;

	for (i = 0; i < json_array_size(list) && i < max; i++)
		ret[i] = json_string_value(json_array_get(list, i));
	return i;
}

static int read_self(const struct reader *r)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	static const enum log_level values[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
						 LOG_LEVEL_DEBUG };
	struct kms_config *c = r->c;
	const char *level = json_get_str(c->doc, "log", "info");
	size_t i;

	for (i = 0; i < 4; i++) {
		if (str_equal(level, levels[i]))
			c->log = values[i];
	}
	c->state = json_get_str(c->doc, "state", "");
	c->user = json_get_opt(c->doc, "user");
	c->domain = c->names[0] = json_get_str(c->doc, "domain", "");
	c->n_names = 1 + texts(c->doc, "names", c->names + 1, KMS_CONFIG_NAMES_MAX - 1);
	c->n_listen = texts(c->doc, "listen", c->listen, KMS_CONFIG_LISTEN_MAX);
	if (c->n_listen == 0)
		c->listen[c->n_listen++] = "0.0.0.0:8000";
	c->has_metrics = json_get_bool(c->doc, "metrics", true);
	c->audit_max = json_get_u64(c->doc, "audit_max", 0);
	return 0;
}

static int read_agent(const struct reader *r)
{
	struct kms_config *c = r->c;

	c->agent = json_get_opt(c->doc, "agent");
	c->attests = json_get_bool(c->doc, "attest_certificate", true);
	c->checks_self = json_get_bool(c->doc, "self_authorization", true);
	c->seal_key = json_get_opt(map(c, "seal"), "key_file");
	if (c->agent)
		return 0;
	if (c->attests)
		return conf_wrong(&r->at, "attest_certificate",
				  "needs the key agent; in development write false");
	if (c->checks_self)
		return conf_wrong(&r->at, "self_authorization",
				  "needs the key agent; in development write false");
	if (!c->seal_key)
		return conf_wrong(&r->at, "seal.key_file",
				  "is missing, and so is agent: nothing seals keys");
	return 0;
}

static int read_onboard(const struct reader *r)
{
	const json_t *o = map(r->c, "onboard"), *a = map(r->c, "admin");
	struct kms_config *c = r->c;

	c->auto_bootstrap = json_get_bool(o, "auto_bootstrap", false);
	c->onboard_listen = json_get_str(o, "listen", "");
	c->onboard_token = json_get_opt(o, "token_file");
	c->admin_listen = json_get_opt(a, "listen");
	c->admin_token = json_get_opt(a, "token_file");
	if (c->admin_listen && !c->admin_token)
		return conf_wrong(&r->at, "admin.token_file",
				  "is missing: the service needs a token");
	return 0;
}

static int read_authorize(const struct reader *r)
{
	const json_t *o = map(r->c, "authorize");
	struct kms_config *c = r->c;

	c->allow_file = json_get_opt(o, "file");
	c->has_allow_signer =
		str_unhex(c->allow_signer, P256_SPKI, json_get_str(o, "signer", "")) == 0;
	c->webhook = json_get_opt(o, "webhook");
	c->webhook_ca = json_get_opt(o, "webhook_ca");
	c->webhook_ms = number(o, "webhook_timeout");
	if (!c->allow_file == !c->webhook)
		return conf_wrong(&r->at, "authorize", "wants either file or webhook");
	if (c->has_allow_signer && !c->allow_file)
		return conf_wrong(&r->at, "authorize.signer",
				  "is of an allow-list, and there is none");
	return 0;
}

static int read_roots(const struct reader *r)
{
	const json_t *list = json_object_get(map(r->c, "quotes"), "simulated_roots");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < KMS_CONFIG_ROOTS_MAX; i++) {
		const json_t *o = json_array_get(list, i);
		struct kms_config_root *root = &r->c->roots[r->c->n_roots++];

		root->file = json_get_str(o, "root", "");
		root->collateral = json_get_opt(o, "collateral");
		root->pccs = json_get_opt(o, "pccs");
		if (!root->collateral == !root->pccs)
			return conf_wrong(&r->at, "quotes.simulated_roots",
					  "each wants either collateral or pccs");
	}
	return 0;
}

static int read_quotes(const struct reader *r)
{
	const json_t *o = map(r->c, "quotes"), *i = map(r->c, "images");
	const json_t *list = json_object_get(o, "accept"), *v;
	struct kms_config *c = r->c;
	size_t at;

	c->accept = 1u << TCB_UP_TO_DATE;
	json_array_foreach(json_unconst(list), at, v)
		c->accept |= 1u << tcb_status_of(json_string_value(v));
	c->pccs = json_get_opt(o, "pccs");
	c->pccs_ca = json_get_opt(o, "pccs_ca");
	c->pccs_http = json_get_bool(o, "pccs_http", false);
	c->pccs_ms = number(o, "pccs_timeout");
	c->images = json_get_opt(i, "folder");
	c->acpi_computed = str_equal(json_get_str(i, "acpi", ""), "computed");
	c->qemu = json_get_opt(i, "qemu");
	return read_roots(r);
}

static int read_limits(const struct reader *r)
{
	const json_t *l = map(r->c, "limits");
	struct kms_config *c = r->c;

	c->conns = number(l, "connections");
	c->ip_conns = number(l, "address_connections");
	c->ip_rate = number(l, "address_rate");
	c->ip_burst = number(l, "address_burst");
	c->requests = number(l, "requests");
	c->verifications = number(l, "verifications");
	return 0;
}

int kms_config_parse(const char *text, size_t n, const char *file, struct kms_config **ret,
		     struct err *e)
{
	static int (*const parts[])(const struct reader *) = {
		read_self, read_agent, read_onboard, read_authorize, read_quotes, read_limits,
	};
	struct kms_config *c = xnew(struct kms_config);
	struct reader r = { c, { NULL, file, e } };
	int rc = conf_load(kms_config_table, text, n, file, &c->doc, e);
	size_t i;

	r.at.loaded = c->doc;
	for (i = 0; rc == 0 && i < sizeof(parts) / sizeof(*parts); i++)
		rc = parts[i](&r);
	if (rc < 0) {
		kms_config_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

int kms_config_load(const char *path, struct kms_config **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(AT_FDCWD, path, CONF_FILE_MAX, &b, e);

	return rc < 0 ? rc : kms_config_parse((const char *)b.p, b.n, path, ret, e);
}

void kms_config_free(struct kms_config *c)
{
	if (!c)
		return;
	json_decref(c->doc);
	free(c);
}

/* A time is read as "7000ms", not as the number that it became. */
static void write_time(const char *path, const struct conf_key *k, void *arg)
{
	json_t *o = arg;
	const char *dot = strchr(path, '.');
	char parent[64], text[32];

	if (k->type != CONF_DURATION)
		return;
	if (dot && str_format(parent, sizeof(parent), "%.*s", (int)(dot - path), path) > 0)
		o = json_object_get(o, parent);
	(void)str_format(text, sizeof(text), "%llums",
			 (unsigned long long)json_get_u64(o, k->name, 0));
	(void)json_object_set_new(o, k->name, json_string(text));
}

void kms_config_print(const struct kms_config *c, struct buf *ret)
{
	json_t *doc = json_deep_copy(c->doc);
	auto_free char *text = NULL;

	conf_forget_lines(doc);
	conf_each(kms_config_table, write_time, doc);
	text = json_pretty(doc);
	json_decref(doc);
	(void)buf_addf(ret, "%s\n", text);
}
